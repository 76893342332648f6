"""Finds objects that several Kustomizations apply, and the fields in which their versions differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fluxdoctor.model import flux
from fluxdoctor.model.overlaps import Overlap, Overlaps
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.repository.build.substitute import unknown
from fluxdoctor.repository.follow.cluster_contents import ClusterContents

_KEY = f"{flux.KUSTOMIZE}/"
_OWNER_LABELS = (f"{_KEY}name", f"{_KEY}namespace")
_MAX_DEPTH = 4


def find(contents: ClusterContents) -> Overlaps:
    """Return the overlaps. An object whose name contains a variable is left out, because its name is unknown."""
    return Overlaps(tuple(sorted(_overlaps(contents), key=lambda o: o.object)))


def _overlaps(contents: ClusterContents) -> Iterator[Overlap]:
    for ref, variants in contents.variants.items():
        if len(variants) > 1 and not unknown(ref.name) and not unknown(ref.namespace):
            yield Overlap(ref, tuple(sorted(variants)), _differences(ref, list(variants.values())))


def _differences(ref: Ref, variants: list[Resource]) -> tuple[str, ...] | None:
    """Return the paths of the fields that differ; None if a variable, or the value of a Secret, may make them equal."""
    bodies = [_without_owner(v) for v in variants]
    paths = sorted({path for other in bodies[1:] for path in _differing_paths(bodies[0], other, ())})
    is_hidden = ref.kind == "Secret" or any(_contains_unknown(b) for b in bodies)
    return None if paths and is_hidden else tuple(dict.fromkeys(paths))


def _without_owner(resource: Resource) -> dict[str, Any]:
    """Return the object without the labels that name its Kustomization."""
    metadata = dict(resource.body.get("metadata") or {})
    labels = metadata.get("labels")
    others = {k: v for k, v in labels.items() if k not in _OWNER_LABELS} if isinstance(labels, Mapping) else {}
    metadata.pop("labels", None)
    metadata.pop("namespace", None)
    return {
        **{k: v for k, v in resource.body.items() if k != "status"},
        "metadata": metadata | ({"labels": others} if others else {}),
    }


def _differing_paths(one: Any, other: Any, path: tuple[str, ...]) -> Iterator[str]:
    if one == other:
        return
    if isinstance(one, Mapping) and isinstance(other, Mapping) and len(path) < _MAX_DEPTH:
        for key in sorted({*one, *other}, key=str):
            yield from _differing_paths(one.get(key), other.get(key), (*path, str(key)))
    else:
        yield ".".join(path)


def _contains_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_contains_unknown, value.values()))
    if isinstance(value, list):
        return any(map(_contains_unknown, value))
    return unknown(value) or (isinstance(value, str) and value.startswith("ENC["))
