"""Changes since an object was suspended: proof that the object lags behind."""

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
from fluxdoctor_rules.shared import helm_values


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that show whether an object lags behind; None for those that were not collected."""

    cluster: Cluster
    graph: Graph
    manifests: Manifests | None
    git: GitTrees | None
    charts: ChartIndexes | None


def changes(resource: Resource, facts: Facts) -> Iterator[str]:
    """Yield a sentence for each change that a suspended object does not follow."""
    if resource.kind == "GitRepository":
        yield from _git(resource, facts.git)
        yield from _drift(resource, facts)
    elif resource.kind == "HelmRepository":
        yield from _charts(resource, facts)
    elif resource.kind == "Kustomization":
        yield from _kustomization(resource, facts.cluster)
    elif resource.kind == "HelmRelease":
        yield from _release(resource, facts.cluster)


def _git(source: Resource, git: GitTrees | None) -> Iterator[str]:
    """Compare the commit of the remote branch with that of the artifact."""
    ref = source.fields("spec.ref")
    branch = ref.text("branch") or "master"
    refs = git.refs(source.ref) if git else None
    head = (refs or {}).get(f"refs/heads/{branch}", "")
    stored = source.text("status.artifact.revision").rpartition(":")[2]
    if head and stored and head != stored and not any(ref.has(k) for k in ("tag", "semver", "commit", "name")):
        yield f"branch {branch} is at {head[:8]}, but the artifact is at {stored[:8]}"


def _drift(source: Resource, facts: Facts) -> Iterator[str]:
    """Compare the files of the source with the objects that were applied from it."""
    for consumer, _ in facts.graph.needed_by(source.ref, Edge.SOURCE):
        kustomization = facts.cluster.get(consumer)
        if (
            kustomization is None
            or facts.manifests is None
            or consumer.kind != "Kustomization"
            or _modifies_files(kustomization)
        ):
            continue
        build = facts.manifests.build(kustomization)
        if (
            build is None
            or build.patches
            or any(k.has("images") or k.has("replacements") for k in build.kustomizations)
        ):
            continue
        for ref in inventory(kustomization):
            declared, live = facts.manifests.definition(ref, consumer), facts.cluster.get(ref)
            if declared and live:
                yield from _differences(ref, declared, live)


def _modifies_files(kustomization: Resource) -> bool:
    return any(kustomization.get(f"spec.{k}") for k in ("patches", "images", "components"))


def _differences(ref: Ref, declared: Resource, live: Resource) -> Iterator[str]:
    pairs = (
        [(f"data.{k}", v, live.text(("data", k))) for k, v in declared.items("data")] if ref.kind == "ConfigMap" else []
    )
    old, new = (r.rows("spec.template.spec.containers") for r in (live, declared))
    pairs += [("image", a.text("image"), b.text("image")) for a, b in zip(new, old, strict=False)]
    for field, desired, actual in pairs:
        if desired and actual and desired != actual and "${" not in desired and "\n" not in desired:
            yield f"{field} of {ref} is {actual}, but git has {desired}"


def _charts(repository: Resource, facts: Facts) -> Iterator[str]:
    """Compare the newest version that a consumer's range allows with the one that the consumer has."""
    for consumer, _ in facts.graph.needed_by(repository.ref, Edge.SOURCE):
        chart = facts.cluster.get(consumer)
        if chart is None or chart.kind != "HelmChart" or facts.charts is None:
            continue
        versions = facts.charts.offered(repository.ref, chart.text("spec.chart")) or ()
        try:
            best = semver.satisfying(chart.text("spec.version") or "*", versions)
        except ValueError:
            continue
        current = revision(chart)
        if best and current and best[0] != current.partition("+")[0] and best[0] != current:
            yield f"chart {chart.text('spec.chart')} {best[0]} is available, but {consumer} has {current}"


def _kustomization(resource: Resource, cluster: Cluster) -> Iterator[str]:
    """Compare the revision of the source with the applied one, and count the changes of the spec."""
    source = cluster.get(Manifests.source(resource))
    newest, applied = (revision(source) if source else ""), revision(resource)
    if newest and applied and newest != applied:
        yield f"its source is at {short(newest)}, but {short(applied)} is applied"
    yield from _generations(resource, resource.number("status.observedGeneration"))


def _release(resource: Resource, cluster: Cluster) -> Iterator[str]:
    """Compare the chart and the values of the spec with those that were released."""
    template = resource.fields("spec.chart.spec")
    name = resource.text("status.helmChart")
    namespace, _, chart_name = name.partition("/")
    chart = cluster.get(Ref("HelmChart", namespace, chart_name)) if name else None
    for key in ("chart", "version") if chart else ():
        current = chart.text(f"spec.{key}") if chart else ""
        if template.has(key) and current and template.text(key) != current:
            yield f"spec.chart.spec.{key} is {template.text(key)}, but {current} is released"
    attempted = resource.text("status.lastAttemptedRevision")
    if chart and attempted and revision(chart) and revision(chart) != attempted:
        yield f"the chart is at {revision(chart)}, but {attempted} is released"
    digest, last = helm_values.digest(resource, cluster), resource.text("status.lastAttemptedConfigDigest")
    if digest and last and digest != last:
        yield f"its values have changed since the last release{_keys(resource.fields('spec.values'))}"
    yield from _generations(resource, resource.number("status.lastAttemptedGeneration"))


def _keys(values: Fields) -> str:
    keys = values.keys()
    return f" (spec.values sets {', '.join(keys)})" if keys else ""


def _generations(resource: Resource, observed: int) -> Iterator[str]:
    """Count the changes of the spec after a generation; the suspension itself is one of them."""
    ahead = resource.number("metadata.generation") - observed
    if observed and ahead > 1:
        yield f"its spec has changed {ahead} times since the last reconciliation"
