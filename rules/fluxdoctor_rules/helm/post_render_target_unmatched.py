"""A patch in spec.postRenderers matches no object of the release."""

from collections.abc import Iterator

from fluxdoctor import (
    Cluster,
    Edge,
    Fields,
    Graph,
    Problem,
    Ref,
    Resource,
    go_regex,
    most_similar,
    nearest,
    release_namespace,
    suggestion,
)
from fluxdoctor_rules.helm._releases import is_settled

#: Kinds that charts do not create through hooks: if one is not in the inventory, the chart does not render it.
_NEVER_HOOKS = ("Deployment", "StatefulSet", "DaemonSet", "Service", "Ingress", "HorizontalPodAutoscaler", "CronJob")


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Compare patch targets with status.inventory (helm-controller 1.5 and later); label selectors are not compared."""
    for release in cluster.active("HelmRelease"):
        renderers = release.rows("spec.postRenderers")
        if not (renderers and is_settled(release) and release.rows("status.inventory.entries")):
            continue
        objects = tuple(dict.fromkeys(r.target for r in graph.needs(release.ref, Edge.APPLIES)))
        for row in (p for r in renderers for p in r.rows("kustomize.patches")):
            target = row.fields("target")
            deletes = "$patch: delete" in row.text("patch")
            if not deletes and _is_unmatched(target, objects):
                yield _problem(release, target, objects)


def _is_unmatched(target: Fields, objects: tuple[Ref, ...]) -> bool:
    kind, name = target.text("kind"), target.text("name")
    if kind in _NEVER_HOOKS:
        names = {ref.name for ref in objects if ref.kind == kind}
        return not (names and go_regex.selects(name, names, default=True))
    # A misspelt kind: the chart renders no object of it, but renders one of a very similar kind. A lower cutoff would
    # take ServiceAccount for Service.
    kinds = {ref.kind for ref in objects}
    return bool(kind) and kind not in kinds and bool(most_similar(kind, kinds & {*_NEVER_HOOKS}, 0.8, 1))


def _problem(release: Resource, target: Fields, objects: tuple[Ref, ...]) -> Problem:
    selector = " ".join(target.text(k) for k in ("kind", "name") if target.text(k))
    by_selector = {f"{ref.kind} {ref.name}": str(ref) for ref in objects}
    similar = [by_selector[name] for name in nearest(selector, by_selector)]
    facts = {
        "wanted": _pattern(release, target),
        "field": target.dotted,
        "hint": suggestion(similar),
        "instead": f" (for example to match {similar[0]})" if similar else "",
    }
    return Problem(release.ref, facts, field=target.dotted, key=target.dotted)


def _pattern(release: Resource, target: Fields) -> str:
    """Return a target as Kind/namespace/name; its name is a regular expression, and * stands for any."""
    namespace = target.text("namespace") or release_namespace(release)
    return f"{target.text('kind')}/{namespace}/{target.text('name') or '*'}"
