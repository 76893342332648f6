"""HelmReleases, and the objects that they refer to."""

from fluxdoctor import Cluster, Ref, Resource, State, condition, is_terminating, state


def templated(text: str) -> bool:
    """Tell whether a text has variables that postBuild of the parent Kustomization still has to substitute."""
    return "${" in text


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
    is_here = not release.has("spec.kubeConfig") and not is_terminating(release)
    return state(release) is State.READY and is_here and is_idle
