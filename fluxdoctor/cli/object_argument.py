"""The argument KIND/NAME, also with short names of kinds, and the object of a snapshot that it means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fluxdoctor.model.finding import Report
    from fluxdoctor.model.resource import Ref
    from fluxdoctor.model.snapshot import Snapshot


def parse(text: str) -> tuple[str, str, str]:
    """Read KIND/NAME or KIND/NAMESPACE/NAME; return kind, namespace ("" without one) and name. Raises UsageError."""
    kind, *rest = text.split("/")
    if not kind or len(rest) not in (1, 2) or not all(rest):
        raise click.UsageError(
            f"{text!r} is not an object; use KIND/NAME, such as kustomization/apps, and -n for the namespace"
        )
    return _kind(kind), rest[0] if len(rest) > 1 else "", rest[-1]


def _kind(text: str) -> str:
    from fluxdoctor.model import kinds
    from fluxdoctor.model.similar import suggestion

    if kind := kinds.read(text):
        return kind
    raise click.UsageError(f"unknown kind {text!r}{suggestion(kinds.near(text, 1))}")


def find(text: str, snapshot: Snapshot, namespaces: Sequence[str] = ()) -> Ref:
    """Return the one object with this name. Raises UsageError if there is none, or more than one."""
    from fluxdoctor.model.resource import Ref
    from fluxdoctor.model.similar import nearest, suggestion

    kind, namespace, name = parse(text)
    spaces = (namespace,) if namespace else tuple(namespaces)
    refs = [r.ref for r in snapshot.cluster.all(kind)]
    matches = [ref for ref in refs if ref.name == name and (not spaces or not ref.namespace or ref.namespace in spaces)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        where = ", ".join(ref.namespace for ref in matches)
        raise click.UsageError(f"{kind}/{name} exists in several namespaces: {where}; select one with -n")
    if len(spaces) == 1 and snapshot.cluster.look(ref := Ref(kind, spaces[0], name)).unknown:
        return ref
    similar = nearest(name, [ref.name for ref in refs])
    others = [str(ref) for ref in refs if ref.name == name or ref.name in similar]
    raise click.UsageError(
        f"{'/'.join((kind, *spaces[:1], name))} not found in {snapshot.name}{suggestion(others[:3])}"
    )


def focus(text: str, namespaces: Sequence[str]) -> Ref | None:
    """Return the object that a live cluster is read for, or None if its namespace is not known: then all is read."""
    from fluxdoctor.model.flux import CLUSTER_SCOPED
    from fluxdoctor.model.resource import Ref

    kind, namespace, name = parse(text)
    space = namespace or (namespaces[0] if len(namespaces) == 1 else "")
    if kind in CLUSTER_SCOPED:
        return Ref(kind, "", name)
    return Ref(kind, space, name) if space else None


def about(target: Ref, report: Report, snapshot: Snapshot) -> Report:
    """Return the report with the causes of one object only."""
    from dataclasses import replace

    from fluxdoctor.model.chain import chains

    findings = tuple(c.finding for c in chains(target, report, snapshot))
    if snapshot.failures.of(target) is not None:
        return replace(report, findings=findings)
    ignored = tuple(i for i in report.ignored if target in (i.finding.subject, *i.finding.also, *i.finding.blocks))
    return replace(report, findings=findings, ignored=ignored, deselected=0)
