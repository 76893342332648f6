"""Arguments of clients, checked: an invalid one is answered with valid values, the most similar first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from mcp.server.mcpserver.exceptions import ToolError

from fluxdoctor.collect.store.within import is_within
from fluxdoctor.mcp import quote
from fluxdoctor.model import kinds
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.similar import nearest

_MOST = 8
_LONGEST = 253
_LOOKED_AT = 1000


def valid_names(text: str, names: Iterable[str]) -> list[str]:
    """Return the names that are similar to a wrong one, the most similar first; the first few if none is similar."""
    ordered = sorted(set(names))
    return list(nearest(text, ordered)) or ordered[:_MOST]


def one_of(what: str, value: str, names: Iterable[str]) -> ToolError:
    """Return the error for a value that is none of the valid names."""
    names = list(names)
    valid = ", ".join(quote.name(n) for n in valid_names(value, names)) or "none"
    more = f" ({len(names)} in all)" if len(names) > _MOST else ""
    return ToolError(f"{what} {quote.quoted(value, 80)} not found; valid: {valid}{more}")


def kind(text: str, allowed: Sequence[str] = ()) -> str:
    """Read a kind as people type it. Raises ToolError."""
    name = kinds.read(text)
    if name and (not allowed or name in allowed):
        return name
    near = [k for k in kinds.near(text) if not allowed or k in allowed]
    valid = ", ".join(near or allowed or ("Kustomization", "HelmRelease", "GitRepository"))
    raise ToolError(f"kind {quote.quoted(text, 80)} is not valid here; valid: {valid}")


def path_segment(what: str, text: str) -> str:
    """Check what goes into a path of the API server: the name of an object or a namespace. Raises ToolError.

    The rule is Kubernetes' own for names that are segments of a path (apimachinery pkg/api/validation/path), and what is longer
    than 253 characters is no name either.
    """
    if text in ("", ".", "..") or any(c in text for c in "/%") or not text.isprintable() or len(text) > _LONGEST:
        raise ToolError(f"{what} {quote.quoted(text, 80) or '(empty)'} is not a valid {what} of an object")
    return text


def namespace(name: str, cluster: Cluster) -> str:
    """Check that a namespace is not known to be absent. Raises ToolError."""
    if name and cluster.look(Ref("Namespace", "", name)).absent:
        raise one_of("namespace", name, [r.name for r in cluster.all("Namespace")])
    return name


def thing(ref: Ref, cluster: Cluster) -> Ref:
    """Return the object, its namespace looked up if the client gave none. Raises ToolError."""
    if ref.namespace and not cluster.look(ref).absent:
        return ref
    refs = [resource.ref for resource in cluster.all(ref.kind)]
    matches = [one for one in refs if one.name == ref.name]
    if len(matches) == 1 and not ref.namespace:
        return matches[0]
    if matches:
        where = ", ".join(quote.name(one.namespace) for one in matches[:_MOST])
        more = f" ({len(matches)} in all)" if len(matches) > _MOST else ""
        raise ToolError(f"namespace of {ref.kind} {quote.name(ref.name)} is missing or wrong; valid: {where}{more}")
    near = valid_names(ref.name, [one.name for one in refs])
    first = sorted(refs, key=lambda one: (near.index(one.name) if one.name in near else len(near), one))
    valid = ", ".join(quote.name(one.named) for one in first[:_MOST]) or "none"
    more = f" ({len(refs)} in all)" if len(refs) > _MOST else ""
    path = "/".join(filter(None, (ref.namespace, ref.name)))
    raise ToolError(f"{ref.kind} {quote.quoted(path, 160)} not found; valid: {valid}{more}")


def below(path: str, roots: Sequence[Path]) -> Path:
    """Return a path with its links followed, if it is at or below an allowed root. Raises ToolError."""
    if not roots:
        raise ToolError("no path can be read: the server was started without --root")
    try:
        paths = [(root / path).resolve() for root in roots]  # an absolute path stays what it is
        inside = [resolved for resolved in paths if is_within(resolved, roots)]
        existing = [resolved for resolved in inside if resolved.is_dir() or resolved.is_file()]
    except (OSError, ValueError, RuntimeError):
        raise ToolError(f"{quote.quoted(path, 200)} is not a valid path") from None
    if not inside:
        raise ToolError(f"{quote.quoted(path, 200)} is outside the allowed roots: {', '.join(map(str, roots))}")
    if not existing:
        raise one_of("path", path, _beside(inside[0], roots))
    return existing[0]


def _beside(path: Path, roots: Sequence[Path]) -> list[str]:
    """Return the paths beside one that does not exist, as a client would write them: from the first root above it."""
    root = next(r.resolve() for r in roots if path.is_relative_to(r.resolve()))
    folder = next((p for p in path.parents if p.is_relative_to(root) and p.is_dir()), root)
    try:
        there = [p for p in islice(folder.iterdir(), _LOOKED_AT) if p.name[0] != "." and (p.is_dir() or p.is_file())]
        return [p.relative_to(root).as_posix() for p in there]
    except OSError:
        return []
