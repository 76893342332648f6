"""A HelmRelease installs into, or keeps its record in, a namespace that does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Ref, Resource, State, Unknown, state
from fluxdoctor_rules.helm._releases import active, complains, templated

_FIELDS = ("spec.targetNamespace", "spec.storageNamespace")


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Judge releases that are not Ready: an installed one does not look for its namespace again."""
    for release in active(cluster):
        if state(release) is State.READY or release.has("spec.kubeConfig"):
            continue
        for field in _FIELDS:
            name = release.text(field)
            found = cluster.look(Ref("Namespace", "", name))
            if not name or templated(name) or _created(release, name):
                continue
            if found.absent:
                near = difflib.get_close_matches(name, cluster.names("Namespace", ""), 3, 0.6)
                words = f"; the nearest is {', '.join(near)}" if near else ""
                yield Problem(
                    release.ref,
                    {"wanted": name, "hint": words},
                    field=field,
                    missing=Ref("Namespace", "", name),
                )
                break
            if found.unknown and complains(release, "namespaces "):
                yield Unknown(release.ref, found.why)


def _created(release: Resource, name: str) -> bool:
    """install.createNamespace makes the namespace of the release, whichever field names it."""
    target = release.text("spec.targetNamespace") or release.namespace
    return release.flag("spec.install.createNamespace") and name == target
