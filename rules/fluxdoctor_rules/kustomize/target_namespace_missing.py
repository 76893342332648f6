"""A Kustomization applies objects into a namespace that does not exist."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failure, Failures, Manifests, Problem, Ref, Unknown
from fluxdoctor_rules.kustomize import _said

_MISSING = re.compile(r'namespaces "(?P<namespace>[^"]+)" not found')
_OBJECT = re.compile(_said.OBJECT + r" (?:not found|dry-run failed|apply failed)")


def check(cluster: Cluster, failures: Failures, manifests: Manifests | None) -> Iterator[Problem | Unknown]:
    """Prove the namespace's absence, and tell which field names it and who would make it."""
    for failure in failures.failed:
        if failure.resource.kind not in _said.APPLIERS:
            continue
        for words in failure.words:
            if found := _MISSING.search(words.message):
                seen = cluster.look(Ref("Namespace", "", found["namespace"]))
                if seen.unknown:
                    yield Unknown(failure.ref, seen.why)
                elif seen.absent:
                    proof = Evidence(
                        f'{words.reason}: "{" ".join(words.message.split())}"', f"{failure.ref} {words.where}"
                    )
                    yield _problem(failure, found["namespace"], words.message, proof, manifests)
                break


def _problem(failure: Failure, name: str, message: str, proof: Evidence, manifests: Manifests | None) -> Problem:
    namespace = Ref("Namespace", "", name)
    named = _OBJECT.search(message)
    declared = _said.in_git(manifests, named["object"], failure.ref) if named else None
    targeted = failure.resource.text("spec.targetNamespace") == name
    makers = [m for m in (manifests.producers(namespace) if manifests else ()) if m != failure.ref]
    by = (
        "spec.targetNamespace names it"
        if targeted
        else f"{named['object']} is in it"
        if named
        else "its objects are in it"
    )
    maker = f"; {makers[0]} declares it" if makers else "; no Kustomization declares it" if manifests else ""
    return Problem(
        failure.ref,
        {"namespace": name, "by": f" ({by}{maker})"},
        evidence=(proof,),
        field="spec.targetNamespace" if targeted else "metadata.namespace" if declared else "spec.path",
        location=None if targeted else _said.place(declared, "metadata.namespace"),
        missing=namespace,
    )
