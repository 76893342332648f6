"""What has changed for a suspended object since it was suspended: proofs that it lags behind."""

from collections.abc import Iterator
from dataclasses import dataclass

from fluxdoctor import (
    ChartIndexes,
    Cluster,
    Edge,
    Fields,
    GitTrees,
    Graph,
    Manifests,
    Ref,
    Resource,
    inventory,
    revision,
    semver,
    short,
)
from fluxdoctor_rules.flux import _values


@dataclass(frozen=True, slots=True)
class Known:
    """The facts at hand."""

    cluster: Cluster
    graph: Graph
    manifests: Manifests | None
    trees: GitTrees | None
    charts: ChartIndexes | None


def changes(resource: Resource, known: Known) -> Iterator[str]:
    """Yield what has changed for an object, in words."""
    if resource.kind == "GitRepository":
        yield from _git(resource, known.trees)
        yield from _drift(resource, known)
    elif resource.kind == "HelmRepository":
        yield from _charts(resource, known)
    elif resource.kind == "Kustomization":
        yield from _kustomization(resource, known.cluster)
    elif resource.kind == "HelmRelease":
        yield from _release(resource, known.cluster)


def _git(source: Resource, trees: GitTrees | None) -> Iterator[str]:
    """The branch of the remote is at another commit than the artifact."""
    ref = source.fields("spec.ref")
    branch = ref.text("branch") or "master"
    refs = trees.refs(source.ref) if trees else None
    head = (refs or {}).get(f"refs/heads/{branch}", "")
    have = source.text("status.artifact.revision").rpartition(":")[2]
    if head and have and head != have and not any(ref.has(k) for k in ("tag", "semver", "commit", "name")):
        yield f"{branch} is at {head[:8]}, the artifact at {have[:8]}"


def _drift(source: Resource, known: Known) -> Iterator[str]:
    """The files of the source already say something else than what is applied."""
    for consumer, _ in known.graph.needed_by(source.ref, Edge.SOURCE):
        kustomization = known.cluster.get(consumer)
        if (
            kustomization is None
            or known.manifests is None
            or consumer.kind != "Kustomization"
            or _changes(kustomization)
        ):
            continue
        built = known.manifests.build(kustomization)
        if (
            built is None
            or built.patches
            or any(k.has("images") or k.has("replacements") for k in built.kustomizations)
        ):
            continue
        for ref in inventory(kustomization):
            declared, live = known.manifests.definition(ref, consumer), known.cluster.get(ref)
            if declared and live:
                yield from _differs(ref, declared, live)


def _changes(kustomization: Resource) -> bool:
    return any(kustomization.get(f"spec.{k}") for k in ("patches", "images", "components"))


def _differs(ref: Ref, declared: Resource, live: Resource) -> Iterator[str]:
    pairs = (
        [(f"data.{k}", v, live.text(("data", k))) for k, v in declared.items("data")] if ref.kind == "ConfigMap" else []
    )
    old, new = (r.rows("spec.template.spec.containers") for r in (live, declared))
    pairs += [("image", a.text("image"), b.text("image")) for a, b in zip(new, old, strict=False)]
    for where, wanted, have in pairs:
        if wanted and have and wanted != have and "${" not in wanted and "\n" not in wanted:
            yield f"{ref} {where} is {have}, and its files say {wanted}"


def _charts(repository: Resource, known: Known) -> Iterator[str]:
    """The repository offers a version that a consumer's constraint would take."""
    for consumer, _ in known.graph.needed_by(repository.ref, Edge.SOURCE):
        chart = known.cluster.get(consumer)
        if chart is None or chart.kind != "HelmChart" or known.charts is None:
            continue
        offered = known.charts.offered(repository.ref, chart.text("spec.chart")) or ()
        try:
            best = semver.satisfying(chart.text("spec.version") or "*", offered)
        except ValueError:
            continue
        have = revision(chart)
        if best and have and best[0] != have.partition("+")[0] and best[0] != have:
            yield f"{chart.text('spec.chart')} {best[0]} is offered, and {consumer} has {have}"


def _kustomization(resource: Resource, cluster: Cluster) -> Iterator[str]:
    """The source has a revision that was not applied, or the spec changed more than by the suspension."""
    source = cluster.get(Manifests.source(resource))
    newest, applied = (revision(source) if source else ""), revision(resource)
    if newest and applied and newest != applied:
        yield f"its source is at {short(newest)}, applied is {short(applied)}"
    yield from _generations(resource, resource.number("status.observedGeneration"))


def _release(resource: Resource, cluster: Cluster) -> Iterator[str]:
    """The chart or the values that the spec means are not those that were released."""
    wanted = resource.fields("spec.chart.spec")
    name = resource.text("status.helmChart")
    namespace, _, chart_name = name.partition("/")
    chart = cluster.get(Ref("HelmChart", namespace, chart_name)) if name else None
    for key in ("chart", "version") if chart else ():
        have = chart.text(f"spec.{key}") if chart else ""
        if wanted.has(key) and have and wanted.text(key) != have:
            yield f"spec.chart.spec.{key} is {wanted.text(key)}, released is {have}"
    attempted = resource.text("status.lastAttemptedRevision")
    if chart and attempted and revision(chart) and revision(chart) != attempted:
        yield f"the chart is at {revision(chart)}, released is {attempted}"
    digest, last = _values.digest(resource, cluster), resource.text("status.lastAttemptedConfigDigest")
    if digest and last and digest != last:
        yield f"its values have changed since the last release{_named(resource.fields('spec.values'))}"
    yield from _generations(resource, resource.number("status.lastAttemptedGeneration"))


def _named(values: Fields) -> str:
    keys = values.keys()
    return f" (spec.values sets {', '.join(keys)})" if keys else ""


def _generations(resource: Resource, seen: int) -> Iterator[str]:
    """The suspension itself is one change of the spec."""
    ahead = resource.number("metadata.generation") - seen
    if seen and ahead > 1:
        yield f"its spec has changed {ahead} times since it was last reconciled"
