"""What clients say, checked: a mistake is answered with what would be valid, the nearest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from mcp.server.mcpserver.exceptions import ToolError

from fluxdoctor.collect.store.within import is_within
from fluxdoctor.mcp import quote
from fluxdoctor.model import kinds
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.nearest import nearest
from fluxdoctor.model.resource import Ref

_NAMED = 8
_LONGEST = 253
_LOOKED_AT = 1000


def valid_names(text: str, names: Iterable[str]) -> list[str]:
    """Return the names that are similar to a wrong one, the most similar first; the first few if none is similar."""
    ordered = sorted(set(names))
    return list(nearest(text, ordered)) or ordered[:_NAMED]


def one_of(what: str, said: str, known: Iterable[str]) -> ToolError:
    """Return the error for a value that is none of those that are known."""
    names = list(known)
    valid = ", ".join(quote.name(n) for n in valid_names(said, names)) or "none"
    more = f" ({len(names)} in all)" if len(names) > _NAMED else ""
    return ToolError(f"{what} {quote.quoted(said, 80)} is not known here; valid: {valid}{more}")


def kind(said: str, allowed: Sequence[str] = ()) -> str:
    """Read a kind as people type it. Raises ToolError."""
    found = kinds.read(said)
    if found and (not allowed or found in allowed):
        return found
    near = [k for k in kinds.near(said) if not allowed or k in allowed]
    valid = ", ".join(near or allowed or ("Kustomization", "HelmRelease", "GitRepository"))
    raise ToolError(f"kind {quote.quoted(said, 80)} is not valid here; valid: {valid}")


def named(what: str, said: str) -> str:
    """Check what goes into a path of the API server: the name of an object or a namespace. Raises ToolError.

    The rule is Kubernetes' own for names that are segments of a path (apimachinery pkg/api/validation/path), and what is longer
    than 253 characters is no name either.
    """
    if said in ("", ".", "..") or any(c in said for c in "/%") or not said.isprintable() or len(said) > _LONGEST:
        raise ToolError(f"{what} {quote.quoted(said, 80) or '(empty)'} is no {what} of an object")
    return said


def namespace(said: str, cluster: Cluster) -> str:
    """Check that a namespace may exist: one that is known to be absent is a mistake. Raises ToolError."""
    if said and cluster.look(Ref("Namespace", "", said)).absent:
        raise one_of("namespace", said, [r.name for r in cluster.all("Namespace")])
    return said


def thing(said: Ref, cluster: Cluster) -> Ref:
    """Return the object that is meant, its namespace found where none was said. Raises ToolError."""
    if said.namespace and not cluster.look(said).absent:
        return said
    known = [resource.ref for resource in cluster.all(said.kind)]
    found = [one for one in known if one.name == said.name]
    if len(found) == 1 and not said.namespace:
        return found[0]
    if found:
        where = ", ".join(quote.name(one.namespace) for one in found[:_NAMED])
        more = f" ({len(found)} in all)" if len(found) > _NAMED else ""
        raise ToolError(f"namespace of {said.kind} {quote.name(said.name)}: it is in {where}{more}; say which")
    near = valid_names(said.name, [one.name for one in known])
    first = sorted(known, key=lambda one: (near.index(one.name) if one.name in near else len(near), one))
    valid = ", ".join(quote.name(one.named) for one in first[:_NAMED]) or "none"
    more = f" ({len(known)} in all)" if len(known) > _NAMED else ""
    named = "/".join(filter(None, (said.namespace, said.name)))
    raise ToolError(f"{said.kind} {quote.quoted(named, 160)} is not known here; valid: {valid}{more}")


def below(said: str, roots: Sequence[Path]) -> Path:
    """Return a path with its links followed, where it is at or below an allowed root. Raises ToolError."""
    if not roots:
        raise ToolError("no path may be read: the server was started without --root")
    try:
        found = [(root / said).resolve() for root in roots]  # an absolute path stays what it is
        inside = [path for path in found if is_within(path, roots)]
        there = [path for path in inside if path.is_dir() or path.is_file()]
    except (OSError, ValueError, RuntimeError):
        raise ToolError(f"{quote.quoted(said, 200)} is no path") from None
    if not inside:
        raise ToolError(f"{quote.quoted(said, 200)} is outside of the allowed roots: {', '.join(map(str, roots))}")
    if not there:
        raise one_of("path", said, _beside(inside[0], roots))
    return there[0]


def _beside(path: Path, roots: Sequence[Path]) -> list[str]:
    """Return what stands beside a path that does not exist, as it would have to be said: from the first root that holds it."""
    root = next(r.resolve() for r in roots if path.is_relative_to(r.resolve()))
    folder = next((p for p in path.parents if p.is_relative_to(root) and p.is_dir()), root)
    try:
        there = [p for p in islice(folder.iterdir(), _LOOKED_AT) if p.name[0] != "." and (p.is_dir() or p.is_file())]
        return [p.relative_to(root).as_posix() for p in there]
    except OSError:
        return []
