"""HelmReleases, and the objects that they refer to."""

from collections.abc import Sequence
from dataclasses import dataclass

from fluxdoctor import Cluster, Ref, Resource, State, condition, nearest, state, suggestion


def active(cluster: Cluster) -> Sequence[Resource]:
    """Return the HelmReleases that helm-controller reconciles: not suspended and not terminating."""
    return cluster.memo(_active)


def _active(cluster: Cluster) -> Sequence[Resource]:
    return [
        release
        for release in cluster.all("HelmRelease")
        if state(release) is not State.SUSPENDED and not release.has("metadata.deletionTimestamp")
    ]


def complains(release: Resource, *words: str) -> bool:
    """Tell whether a failing release mentions one of these words.

    A reference that could not be looked up is only worth reporting if the release fails because of it.
    """
    ready = condition(release, "Ready")
    return ready is not None and ready.status == "False" and any(w in ready.message for w in words)


def templated(text: str) -> bool:
    """Tell whether a text has variables that postBuild of the parent Kustomization still has to substitute."""
    return "${" in text


def elsewhere(cluster: Cluster, target: Ref) -> tuple[str, ...]:
    """Return the other namespaces that have an object of this kind and name."""
    return tuple(
        resource.namespace
        for resource in cluster.all(target.kind)
        if resource.name == target.name and resource.namespace not in ("", target.namespace)
    )


def near(cluster: Cluster, target: Ref, consumer: Ref | None = None) -> tuple[str, ...]:
    """Return the similar names of this kind in the same namespace, except that of the object that refers to the target."""
    own = consumer.name if consumer and consumer[:2] == target[:2] else ""
    return nearest(target.name, (name for name in cluster.names(target.kind, target.namespace) if name != own))


#: How many objects or namespaces a hint lists.
_LISTED = 3
#: Kinds that a HelmRelease can only refer to in its own namespace.
_LOCAL = ("ConfigMap", "Secret", "ServiceAccount")


@dataclass(frozen=True)
class Hint:
    """The object that a wrong reference may mean: words for the message, and the new value of the field."""

    words: str = ""
    value: str = ""
    elsewhere: bool = False
    """The object exists in another namespace: the namespace is the field to change."""


def hint(cluster: Cluster, target: Ref, fallback: str, consumer: Ref | None = None) -> Hint:
    """Return the same name in other namespaces, else similar names; ``fallback`` is the value without either."""
    namespaces = elsewhere(cluster, target)[:_LISTED]
    if namespaces:
        others = [str(target._replace(namespace=namespace)) for namespace in namespaces]
        return Hint(_in_other_namespaces(target, others), " or ".join(namespaces), elsewhere=True)
    names = near(cluster, target, consumer)
    return Hint(suggestion(names), " or ".join(names)) if names else Hint(value=fallback)


def _in_other_namespaces(target: Ref, others: Sequence[str]) -> str:
    if target.kind in _LOCAL:
        return f"; {', '.join(others)} cannot be used from namespace {target.namespace}"
    return suggestion(others)


def generated_chart(cluster: Cluster, release: Resource) -> Resource | None:
    """Return the HelmChart that helm-controller created for spec.chart; None if it is not in the cluster's data."""
    if not release.has("spec.chart.spec"):
        return None
    namespace = release.text("spec.chart.spec.sourceRef.namespace") or release.namespace
    return cluster.get(Ref("HelmChart", namespace, f"{release.namespace}-{release.name}"))


def chart_source(release: Resource) -> Ref:
    """Return the source that spec.chart refers to."""
    return release.memo(_chart_source)


def _chart_source(release: Resource) -> Ref:
    ref = release.fields("spec.chart.spec.sourceRef")
    return Ref(ref.text("kind"), ref.text("namespace") or release.namespace, ref.text("name"))


def is_settled(release: Resource) -> bool:
    """Tell whether a release is Ready, idle, and of this cluster, so that its status describes the present."""
    reconciling = condition(release, "Reconciling")
    is_idle = reconciling is None or reconciling.status != "True"
    is_here = not release.has("spec.kubeConfig") and not release.has("metadata.deletionTimestamp")
    return state(release) is State.READY and is_here and is_idle
