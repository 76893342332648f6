"""Which objects several Kustomizations apply, and whether what they apply is the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fluxdoctor.model import flux
from fluxdoctor.model.overlaps import Overlap, Overlaps
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.repository.build.substitute import unknown
from fluxdoctor.repository.follow.cluster_contents import ClusterContents

_KEY = f"{flux.KUSTOMIZE}/"
_OWN = (f"{_KEY}name", f"{_KEY}namespace")
_LONGEST = 4


def found(reached: ClusterContents) -> Overlaps:
    """Return the overlaps. An object whose name holds a variable is none: what it is called is not known."""
    return Overlaps(tuple(sorted(_found(reached), key=lambda o: o.object)))


def _found(reached: ClusterContents) -> Iterator[Overlap]:
    for ref, variants in reached.variants.items():
        if len(variants) > 1 and not unknown(ref.name) and not unknown(ref.namespace):
            yield Overlap(ref, tuple(sorted(variants)), _differences(ref, list(variants.values())))


def _differences(ref: Ref, variants: list[Resource]) -> tuple[str, ...] | None:
    bodies = [_plain(v) for v in variants]
    paths = sorted({path for other in bodies[1:] for path in _paths(bodies[0], other, ())})
    hidden = ref.kind == "Secret" or any(_holds_unknown(b) for b in bodies)
    return None if paths and hidden else tuple(dict.fromkeys(paths))


def _plain(resource: Resource) -> dict[str, Any]:
    """The object without the labels that say who applies it."""
    metadata = dict(resource.body.get("metadata") or {})
    labels = metadata.get("labels")
    kept = {k: v for k, v in labels.items() if k not in _OWN} if isinstance(labels, Mapping) else {}
    metadata.pop("labels", None)
    metadata.pop("namespace", None)
    return {
        **{k: v for k, v in resource.body.items() if k != "status"},
        "metadata": metadata | ({"labels": kept} if kept else {}),
    }


def _paths(one: Any, other: Any, at: tuple[str, ...]) -> Iterator[str]:
    if one == other:
        return
    if isinstance(one, Mapping) and isinstance(other, Mapping) and len(at) < _LONGEST:
        for key in sorted({*one, *other}, key=str):
            yield from _paths(one.get(key), other.get(key), (*at, str(key)))
    else:
        yield ".".join(at)


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_unknown, value.values()))
    if isinstance(value, list):
        return any(map(_holds_unknown, value))
    return unknown(value) or (isinstance(value, str) and value.startswith("ENC["))
