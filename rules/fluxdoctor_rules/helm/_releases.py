"""What several rules ask of HelmReleases and of what they refer to."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from fluxdoctor import Cluster, Ref, Resource, State, condition, state


def active(cluster: Cluster) -> Sequence[Resource]:
    """Return the HelmReleases that helm-controller reconciles: a suspended one fails of nothing."""
    return cluster.once("active releases", _active)


def _active(cluster: Cluster) -> Sequence[Resource]:
    return [
        release
        for release in cluster.all("HelmRelease")
        if state(release) is not State.SUSPENDED and not release.has("metadata.deletionTimestamp")
    ]


def complains(release: Resource, *words: str) -> bool:
    """Tell whether a failing release speaks of this: only then what could not be looked up is worth telling."""
    ready = condition(release, "Ready")
    return ready is not None and ready.status == "False" and any(w in ready.message for w in words)


def templated(text: str) -> bool:
    """Tell a field of a git file that the parent's postBuild still fills in."""
    return "${" in text


def elsewhere(cluster: Cluster, wanted: Ref) -> tuple[str, ...]:
    """Return the other namespaces that have an object of this kind and name."""
    return tuple(
        r.namespace
        for r in cluster.all(wanted.kind)
        if r.name == wanted.name and r.namespace not in ("", wanted.namespace)
    )


def near(cluster: Cluster, wanted: Ref, asking: Ref | None = None) -> tuple[str, ...]:
    """Return up to three names of the same kind and namespace that are most like this one, without that of who is asking."""
    own = asking.name if asking and asking[:2] == wanted[:2] else ""
    names = [n for n in cluster.names(wanted.kind, wanted.namespace) if n not in (wanted.name, own)]
    return tuple(difflib.get_close_matches(wanted.name, names, 3, 0.6))


@dataclass(frozen=True)
class Hint:
    """Where an object that does not exist may be meant to be, in words and as the field's new value."""

    words: str = ""
    value: str = ""
    elsewhere: bool = False
    """It is in another namespace: the namespace is the field to change."""


def hint(cluster: Cluster, wanted: Ref, otherwise: str, asking: Ref | None = None) -> Hint:
    """Look for the name in other namespaces, then for a name like it; ``otherwise`` is the value where there is neither."""
    spaces = elsewhere(cluster, wanted)
    if spaces:
        return Hint(f"; there is one in namespace {', '.join(spaces[:3])}", " or ".join(spaces[:3]), elsewhere=True)
    names = near(cluster, wanted, asking)
    return Hint(f"; the nearest is {names[0]}", names[0]) if names else Hint(value=otherwise)


def generated_chart(cluster: Cluster, release: Resource) -> Resource | None:
    """Return the HelmChart that helm-controller made of spec.chart, if it was seen."""
    if not release.has("spec.chart.spec"):
        return None
    namespace = release.text("spec.chart.spec.sourceRef.namespace") or release.namespace
    return cluster.get(Ref("HelmChart", namespace, f"{release.namespace}-{release.name}"))


def chart_source(release: Resource) -> Ref:
    """Return the source that spec.chart names."""
    return release.once("chart source", _chart_source)


def _chart_source(release: Resource) -> Ref:
    ref = release.fields("spec.chart.spec.sourceRef")
    return Ref(ref.text("kind"), ref.text("namespace") or release.namespace, ref.text("name"))


def is_settled(release: Resource) -> bool:
    """Tell a release that is Ready, not at work and of this cluster: what it says of itself holds now."""
    busy = condition(release, "Reconciling")
    elsewhere = release.has("spec.kubeConfig") or release.has("metadata.deletionTimestamp")
    return state(release) is State.READY and not elsewhere and not (busy and busy.status == "True")
