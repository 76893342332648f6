"""The commands that reconcile, suspend and resume an object: flux commands if there are any, else kubectl commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from fluxdoctor.model.flux import KINDS, Kind
from fluxdoctor.model.resource import Ref


def commands(ref: Ref) -> Mapping[str, str]:
    """Return the full commands for a Flux object as ``reconcile``, ``suspend`` and ``resume``; empty for other kinds."""
    kind = KINDS.get(ref.kind)
    if kind is None:
        return {}
    return {
        "reconcile": _reconcile(kind, ref),
        "suspend": _switch(kind, ref, "suspend"),
        "resume": _switch(kind, ref, "resume"),
    }


def _reconcile(kind: Kind, ref: Ref) -> str:
    if kind.cli and kind.status:
        return _flux("reconcile", kind, ref)
    return _annotate(kind, ref, 'reconcile.fluxcd.io/requestedAt="$(date +%s)"')


def _switch(kind: Kind, ref: Ref, verb: str) -> str:
    if kind.cli:
        return _flux(verb, kind, ref)
    # The kinds of flux-operator 0.58 and source-watcher 2.2 are suspended by an annotation of their own group.
    return _annotate(kind, ref, f"{kind.group}/reconcile={'disabled' if verb == 'suspend' else 'enabled'}")


def _flux(verb: str, kind: Kind, ref: Ref) -> str:
    return f"flux {verb} {kind.cli} {shlex.quote(ref.name)} -n {shlex.quote(ref.namespace)}"


def _annotate(kind: Kind, ref: Ref, annotation: str) -> str:
    name, namespace = shlex.quote(ref.name), shlex.quote(ref.namespace)
    return f"kubectl annotate --overwrite {kind.plural}.{kind.group} {name} -n {namespace} {annotation}"
