"""An object of a namespaced kind is declared without a namespace."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Manifests, Problem, Ref, Versions, owner
from fluxdoctor_rules.kustomize import _apply_errors

_OBJECT = re.compile(r"(?<!\w)(?P<object>[A-Z]\w*+/[^\s/]++) namespace not specified: ")
#: Earlier versions of kustomize-controller ran kubectl apply, which uses the namespace default.
_SERVER_SIDE = (0, 18)


def check(cluster: Cluster, failures: Failures, manifests: Manifests | None, versions: Versions) -> Iterator[Problem]:
    """Report the object in the controller's error; before a deploy, the Flux objects without a namespace."""
    if manifests:
        yield from _reported(failures, manifests)
    flux = versions.of("flux")
    if not flux or flux >= _SERVER_SIDE:
        yield from _declared(cluster)


def _reported(failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    for failure in failures.failed:
        if failure.ref.kind not in _apply_errors.APPLIERS:
            continue
        match = next((m for w in failure.words if (m := _OBJECT.search(w.message))), None)
        declared = _apply_errors.in_git(manifests, match["object"], failure.ref) if match else None
        if match and declared and not declared.has("metadata.namespace"):
            place = declared.at("metadata")
            facts = {"object": match["object"], "where": f" ({place})" if place else ""}
            proof = Evidence.file("metadata.namespace is not set", str(place))
            yield Problem(failure.ref, facts, evidence=(proof,), field="metadata.namespace", location=place)


def _declared(cluster: Cluster) -> Iterator[Problem]:
    """Report Flux objects of a repository without a namespace; objects in a cluster always have one."""
    reported: set[Ref] = set()
    for resource in cluster.flux:
        applier = owner(resource)
        if not resource.namespace and applier:
            key = str(resource.ref) if applier in reported else ""
            facts = {"object": str(resource.ref), "where": ""}
            yield Problem(applier, facts, field="metadata.namespace", location=resource.at("metadata.name"), key=key)
            reported.add(applier)
