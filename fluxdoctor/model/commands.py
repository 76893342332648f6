"""The commands that reconcile, suspend and resume an object and print its log: flux commands if any, else kubectl commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from fluxdoctor.model.flux import EXTENSIONS, KINDS, OPERATOR, Kind
from fluxdoctor.model.resource import Ref

#: The groups whose kinds are suspended by an annotation of the group (flux-operator 0.58, source-watcher 2.2).
_ANNOTATED = (OPERATOR, EXTENSIONS)
#: The namespace in which the install guides of Flux and flux-operator put their controllers.
_FLUX_NAMESPACE = "flux-system"


def commands(ref: Ref) -> Mapping[str, str]:
    """Return the full commands for a Flux object; empty for other kinds.

    ``reconcile``, ``suspend`` and ``resume`` only if a controller obeys them. ``then_reconcile`` and
    ``then_restart`` are sentences that can always follow another, with a space before them; "" if there is no such command.
    ``logs`` prints the log of its controller.
    """
    kind = KINDS.get(ref.kind)
    if kind is None:
        return {}
    reconcile = _reconcile(kind, ref)
    switches = {verb: command for verb in ("suspend", "resume") if (command := _switch(kind, ref, verb))}
    return {
        **({"reconcile": reconcile} if reconcile else {}),
        **switches,
        "then_reconcile": f" Then run: {reconcile}." if reconcile else "",
        "then_restart": f" If that has no effect, run: {switches['suspend']}. Then run: {switches['resume']}."
        if switches
        else "",
        "logs": _logs(kind, ref),
    }


def _reconcile(kind: Kind, ref: Ref) -> str:
    """Return the command, "" for kinds that no controller reconciles: Alert, Provider and ExternalArtifact."""
    if kind.cli:
        return _flux("reconcile", kind, ref) if kind.status else ""
    return _annotate(kind, ref, 'reconcile.fluxcd.io/requestedAt="$(date +%s)"') if kind.group in _ANNOTATED else ""


def _switch(kind: Kind, ref: Ref, verb: str) -> str:
    if kind.cli:
        return _flux(verb, kind, ref)
    state = "disabled" if verb == "suspend" else "enabled"
    return _annotate(kind, ref, f"{kind.group}/reconcile={state}") if kind.group in _ANNOTATED else ""


def _restart(suspend: str, resume: str) -> str:
    return f" If that has no effect, run: {suspend}. Then run: {resume}."


def _logs(kind: Kind, ref: Ref) -> str:
    """Return the command for the log. ``flux logs`` reads Flux controllers only, and flux-operator is none."""
    if kind.group == OPERATOR:
        # flux-operator only accepts the FluxInstance of its own namespace.
        namespace = ref.namespace if kind.name == "FluxInstance" else _FLUX_NAMESPACE
        return f"kubectl -n {shlex.quote(namespace)} logs deployment/flux-operator"
    if kind.name == "ExternalArtifact":  # source-watcher logs the generator
        return f"flux logs --kind ArtifactGenerator -n {shlex.quote(ref.namespace)}"
    return f"flux logs --kind {kind.name} --name {shlex.quote(ref.name)} -n {shlex.quote(ref.namespace)}"


def _flux(verb: str, kind: Kind, ref: Ref) -> str:
    return f"flux {verb} {kind.cli} {shlex.quote(ref.name)} -n {shlex.quote(ref.namespace)}"


def _annotate(kind: Kind, ref: Ref, annotation: str) -> str:
    name, namespace = shlex.quote(ref.name), shlex.quote(ref.namespace)
    return f"kubectl annotate --overwrite {kind.plural}.{kind.group} {name} -n {namespace} {annotation}"


def kubectl(verb: str, *refs: Ref, rest: str = "") -> str:
    """Return the kubectl command for objects: those in the namespace of the first; ``rest`` is what follows them.

    An object of a cluster-scoped kind has no ``-n``. A kind that has its group in its name, as ``Kind.group``, keeps it.
    """
    namespace = refs[0].namespace
    objects = [f"{ref.kind.lower()}/{shlex.quote(ref.name)}" for ref in refs if ref.namespace == namespace]
    scope = ["-n", shlex.quote(namespace)] if namespace else []
    return " ".join(["kubectl", *scope, verb, *objects, *([rest] if rest else [])])
