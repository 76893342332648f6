"""A Kustomization applies objects into a namespace that does not exist."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failure, Failures, Manifests, Problem, Ref, Unknown
from fluxdoctor_rules.kustomize import _apply_errors

_MISSING = re.compile(r'namespaces "(?P<namespace>[^"]+)" not found')
_OBJECT = re.compile(_apply_errors.OBJECT + r" (?:not found|dry-run failed|apply failed)")


def check(cluster: Cluster, failures: Failures, manifests: Manifests | None) -> Iterator[Problem | Unknown]:
    """Prove that the namespace does not exist; find the field that names it and the Kustomization that declares it."""
    for failure in failures.failed:
        if failure.resource.kind not in _apply_errors.APPLIERS:
            continue
        for words in failure.words:
            if error := _MISSING.search(words.message):
                lookup = cluster.look(Ref("Namespace", "", error["namespace"]))
                if lookup.unknown:
                    yield lookup.as_unknown(failure.ref)
                elif lookup.absent:
                    proof = Evidence(
                        words.kind,
                        f'{words.reason}: "{" ".join(words.message.split())}"',
                        f"{failure.ref} {words.where}",
                    )
                    yield _problem(failure, error["namespace"], words.message, proof, manifests)
                break


def _problem(failure: Failure, name: str, message: str, proof: Evidence, manifests: Manifests | None) -> Problem:
    namespace = Ref("Namespace", "", name)
    match = _OBJECT.search(message)
    declared = _apply_errors.in_git(manifests, match["object"], failure.ref) if match else None
    is_target = failure.resource.text("spec.targetNamespace") == name
    producers = [m for m in (manifests.producers(namespace) if manifests else ()) if m != failure.ref]
    by = (
        "set in spec.targetNamespace"
        if is_target
        else f"the namespace of {match['object']}"
        if match
        else "the namespace of its objects"
    )
    producer = f"; {producers[0]} declares it" if producers else "; no Kustomization declares it" if manifests else ""
    return Problem(
        failure.ref,
        {"namespace": name, "by": f" ({by}{producer})"},
        evidence=(proof,),
        field="spec.targetNamespace" if is_target else "metadata.namespace" if declared else "spec.path",
        location=None if is_target else _apply_errors.place(declared, "metadata.namespace"),
        missing=namespace,
    )
