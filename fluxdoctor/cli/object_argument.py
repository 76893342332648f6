"""One object as a user names it: KIND/NAME, in the kinds' short names too, and which object of a snapshot that is."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fluxdoctor.model.finding import Report
    from fluxdoctor.model.resource import Ref
    from fluxdoctor.model.snapshot import Snapshot


def parse(text: str) -> tuple[str, str, str]:
    """Read KIND/NAME or KIND/NAMESPACE/NAME; return kind, namespace ("" where none is said) and name. Raises UsageError."""
    kind, *rest = text.split("/")
    if not kind or len(rest) not in (1, 2) or not all(rest):
        raise click.UsageError(f"{text!r} names no object: write KIND/NAME, such as kustomization/apps (-n says where)")
    return _kind(kind), rest[0] if len(rest) > 1 else "", rest[-1]


def _kind(text: str) -> str:
    from fluxdoctor.model import kinds

    if found := kinds.read(text):
        return found
    close = kinds.near(text, 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise click.UsageError(f"{text!r} is no kind that fluxdoctor knows{hint}")


def find(text: str, snapshot: Snapshot, namespaces: Sequence[str] = ()) -> Ref:
    """Return the one object that is meant. Raises UsageError where there is none, or more than one."""
    from fluxdoctor.model.resource import Ref

    kind, namespace, name = parse(text)
    spaces = (namespace,) if namespace else tuple(namespaces)
    known = [r.ref for r in snapshot.cluster.all(kind)]
    found = [ref for ref in known if ref.name == name and (not spaces or not ref.namespace or ref.namespace in spaces)]
    if len(found) == 1:
        return found[0]
    if found:
        raise click.UsageError(f"{kind}/{name} is in {', '.join(ref.namespace for ref in found)}: say which with -n")
    if not found and len(spaces) == 1 and snapshot.cluster.look(ref := Ref(kind, spaces[0], name)).unknown:
        return ref
    near = difflib.get_close_matches(name, [ref.name for ref in known], 2)
    elsewhere = [str(ref) for ref in known if ref.name == name or ref.name in near]
    hint = f"; there is {', '.join(elsewhere[:3])}" if elsewhere else ""
    raise click.UsageError(f"{snapshot.name} has no {kind} {'/'.join((*spaces[:1], name))}{hint}")


def focus(text: str, namespaces: Sequence[str]) -> Ref | None:
    """Return the object that a live cluster is read for, where it is said in full; None reads all that the scope has."""
    from fluxdoctor.model.flux import CLUSTER_SCOPED
    from fluxdoctor.model.resource import Ref

    kind, namespace, name = parse(text)
    space = namespace or (namespaces[0] if len(namespaces) == 1 else "")
    if kind in CLUSTER_SCOPED:
        return Ref(kind, "", name)
    return Ref(kind, space, name) if space else None


def about(target: Ref, report: Report, snapshot: Snapshot) -> Report:
    """Return the report of the causes of one object alone."""
    from dataclasses import replace

    from fluxdoctor.model.chain import chains

    return replace(report, findings=tuple(c.finding for c in chains(target, report, snapshot)))
