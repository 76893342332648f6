"""An object of a kind that lives in a namespace is declared without one."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Manifests, Problem, Ref, Versions, owner
from fluxdoctor_rules.kustomize import _said

_NAMED = re.compile(r"(?P<object>[A-Z]\w*/[^\s/]+) namespace not specified: ")
#: Before, kustomize-controller ran kubectl apply, which puts such an object into the namespace default.
_SERVER_SIDE = (0, 18)


def check(cluster: Cluster, failures: Failures, manifests: Manifests | None, versions: Versions) -> Iterator[Problem]:
    """Find the declaration that the controller names; before a deploy, what a build declares: the API server refuses it."""
    if manifests:
        yield from _told(failures, manifests)
    flux = versions.of("flux")
    if not flux or flux >= _SERVER_SIDE:
        yield from _declared(cluster)


def _told(failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    for failure in failures.failed:
        if failure.ref.kind not in _said.APPLIERS:
            continue
        found = next((m for w in failure.words if (m := _NAMED.search(w.message))), None)
        declared = _said.in_git(manifests, found["object"], failure.ref) if found else None
        if found and declared and not declared.has("metadata.namespace"):
            place = declared.at("metadata")
            facts = {"object": found["object"], "where": f" ({place})" if place else ""}
            proof = Evidence("metadata.namespace is not set", str(place))
            yield Problem(failure.ref, facts, evidence=(proof,), field="metadata.namespace", location=place)


def _declared(cluster: Cluster) -> Iterator[Problem]:
    """An object in a cluster always has its namespace: only what a repository declares can lack it."""
    told: set[Ref] = set()
    for resource in cluster.flux:
        applier = owner(resource)
        if not resource.namespace and applier:
            key = str(resource.ref) if applier in told else ""
            facts = {"object": str(resource.ref), "where": ""}
            yield Problem(applier, facts, field="metadata.namespace", location=resource.at("metadata.name"), key=key)
            told.add(applier)
