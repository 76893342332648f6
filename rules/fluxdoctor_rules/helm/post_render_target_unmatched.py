"""A post-renderer's patch selects none of the objects of the release."""

import difflib
import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Fields, Graph, Problem, Ref, Resource
from fluxdoctor_rules.helm._releases import active, is_settled

#: Kinds that no chart makes by a hook: what is not in the inventory was not rendered.
_NEVER_HOOKS = ("Deployment", "StatefulSet", "DaemonSet", "Service", "Ingress", "HorizontalPodAutoscaler", "CronJob")


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Compare the targets with status.inventory (helm-controller 1.5 and later); labels cannot be compared."""
    for release in active(cluster):
        renderers = release.rows("spec.postRenderers")
        if not (renderers and is_settled(release) and release.rows("status.inventory.entries")):
            continue
        made = tuple(dict.fromkeys(r.target for r in graph.needs(release.ref, Edge.APPLIES)))
        for row in (p for r in renderers for p in r.rows("kustomize.patches")):
            target = row.fields("target")
            deletes = "$patch: delete" in row.text("patch")
            if not deletes and _misses(target, made):
                yield _problem(release, target, made)


def _misses(target: Fields, made: tuple[Ref, ...]) -> bool:
    kind, name = target.text("kind"), target.text("name")
    if kind in _NEVER_HOOKS:
        return not any(ref.kind == kind and _fits(name, ref.name) for ref in made)
    # A kind that is written wrong: nothing like it is rendered, and a kind that is nearly called so is.
    kinds = {ref.kind for ref in made}
    return bool(kind) and kind not in kinds and bool(difflib.get_close_matches(kind, kinds & {*_NEVER_HOOKS}, 1, 0.8))


def _fits(pattern: str, name: str) -> bool:
    try:
        return not pattern or re.fullmatch(pattern, name) is not None
    except re.error:
        return True  # Go's regular expressions differ a little: what cannot be read is not judged


def _problem(release: Resource, target: Fields, made: tuple[Ref, ...]) -> Problem:
    wanted = " ".join(target.text(k) for k in ("kind", "name") if target.text(k))
    names = {f"{ref.kind} {ref.name}": ref for ref in made}
    near = difflib.get_close_matches(wanted, names, 1, 0.5)
    facts = {
        "wanted": wanted,
        "field": target.dotted,
        "nearest": f"; the nearest is {names[near[0]]}" if near else "",
        "instead": f" (the nearest object is {names[near[0]]})" if near else "",
    }
    return Problem(release.ref, facts, field=target.dotted, key=target.dotted)
