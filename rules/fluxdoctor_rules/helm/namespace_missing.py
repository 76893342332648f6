"""A HelmRelease installs into, or stores its release in, a namespace that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Ref, Resource, State, Unknown, did_you_mean, state
from fluxdoctor_rules.helm._releases import active, complains, templated

_FIELDS = ("spec.targetNamespace", "spec.storageNamespace")


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Report missing namespaces of releases that are not Ready: Helm does not look up those of an installed release."""
    for release in active(cluster):
        if state(release) is State.READY or release.has("spec.kubeConfig"):
            continue
        for field in _FIELDS:
            name = release.text(field)
            lookup = cluster.look(Ref("Namespace", "", name))
            if not name or templated(name) or _is_created(release, name):
                continue
            if lookup.absent:
                yield Problem(
                    release.ref,
                    {"wanted": name, "hint": did_you_mean(name, cluster.names("Namespace", ""))},
                    field=field,
                    missing=Ref("Namespace", "", name),
                )
                break
            if lookup.unknown and complains(release, "namespaces "):
                yield Unknown(release.ref, lookup.why)


def _is_created(release: Resource, name: str) -> bool:
    """Tell whether install.createNamespace creates a namespace: it creates that of the release, whichever field has it."""
    target = release.text("spec.targetNamespace") or release.namespace
    return release.flag("spec.install.createNamespace") and name == target
