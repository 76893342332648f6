"""Resources (the rules, the last report, its graph), prompts for common tasks, and completion of what they take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from fluxdoctor.mcp import render
from fluxdoctor.mcp.answers import Diagnosis, compact, fit, size
from fluxdoctor.mcp.arguments import valid_names
from fluxdoctor.mcp.quote import NOTE, quoted
from fluxdoctor.mcp.quote import name as named
from fluxdoctor.mcp.sessions import CachedDiagnosis, DiagnosisCache
from fluxdoctor.model import kinds
from fluxdoctor.model.flux import KINDS
from fluxdoctor.model.resource import Ref
from fluxdoctor.report.graph import draw
from fluxdoctor.report.graph_code import mermaid

_LARGE = 60
_MOST = 100  # values of one completion, as the protocol has it
_MARKDOWN = "text/markdown"


def register(server: MCPServer[Any], desk: DiagnosisCache) -> None:
    """Add all of it to a server."""
    _resources(server, desk)
    _prompts(server)
    _completion(server, desk)


def _resources(server: MCPServer[Any], desk: DiagnosisCache) -> None:
    rules = desk.catalogue

    @server.resource("fluxdoctor://rules", mime_type="text/plain", description="the rules: id, severity, summary")
    def catalogue() -> str:
        return "".join(f"{r.id}\t{r.severity.value}\t{r.summary}\n" for r in rules.rules)

    @server.resource("fluxdoctor://rules/{area}/{rule}", mime_type=_MARKDOWN, description="the page of one rule")
    def page(area: str, rule: str) -> str:
        found = rules.get(f"{area}/{rule}")
        if found is None:
            near = ", ".join(valid_names(f"{area}/{rule}", [r.id for r in rules.rules]))
            raise ResourceNotFoundError(f"there is no rule {quoted(f'{area}/{rule}', 80)}; valid: {near}")
        return found.page

    @server.resource("fluxdoctor://report", mime_type="application/json", description="the last report that was made")
    def report() -> str:
        of = _last(desk)
        told = of.report
        answer = Diagnosis(
            verdict=told.verdict.value, mode=told.mode, objects=told.objects, not_ready=told.not_ready,
            total=len(told.findings), note=NOTE, **render.about(of),
        )  # fmt: skip
        answer.findings, _ = fit([render.cause(f) for f in told.findings], 0, desk.settings.tokens * 5, size(answer))
        return compact(answer.model_dump(mode="json"))

    @server.resource("fluxdoctor://graph", mime_type="text/vnd.mermaid", description="the graph of the last report")
    def graph() -> str:
        of = _last(desk)
        if of.snapshot is None:
            raise ResourceError("the last report is of a repository, which has no one graph")
        return mermaid(draw(of.snapshot, of.report, large=_LARGE))


def _last(desk: DiagnosisCache) -> CachedDiagnosis:
    if desk.last is None:
        raise ResourceError("nothing was diagnosed yet: call the tool diagnose first")
    return desk.last


def _prompts(server: MCPServer[Any]) -> None:
    @server.prompt(title="Triage this cluster")
    def triage_cluster(namespace: str = "") -> str:
        """Find what is broken, what to fix first, and what could not be seen."""
        where = f" with namespace={named(namespace)}" if namespace else ""
        return (
            f"Call diagnose{where}. For each root cause, in the order given, tell the object to change, the proof, the fix and "
            "how many objects it blocks. Then tell what not_seen lists: that was not checked. Change nothing. " + NOTE
        )

    @server.prompt(title="Check this repository before merge")
    def check_before_merge(path: str) -> str:
        """Say whether a working tree can be merged."""
        return (
            f"Call check_repository with path={quoted(path, 300)} (without the quotation marks). Answer first whether it can be "
            "merged: not with a finding of severity error. Then list file and line, what is wrong, and the fix. " + NOTE
        )

    @server.prompt(title="Explain this finding to its owner")
    def explain_finding(fingerprint: str) -> str:
        """Write to whoever owns a broken object, who may not know Flux."""
        return (
            f"Call diagnose and take the finding with fingerprint {named(fingerprint)}, and call explain_rule with its rule. "
            "Write a short message to the owner of its subject: what is broken, how it shows, the proof, what to change in git, "
            "and how to see that it helped. Use no words that only Flux people know. " + NOTE
        )

    @server.prompt(title="Plan a maintenance pause")
    def plan_maintenance(kind: str, name: str, namespace: str) -> str:
        """Plan what to suspend, for how long, and how to go on."""
        what = "/".join(named(part) for part in (kind, namespace, name))
        return (
            f"Plan a pause of {what}. Call dependency_graph to see what depends on it, and diagnose with its kind, name and "
            "namespace to see whether it is well now. Propose the calls in order: flux_suspend_tool with a reason, the "
            "maintenance, flux_resume_tool; each with dry_run=true first. Make no change before a person agrees. "
            + NOTE
        )


def _completion(server: MCPServer[Any], desk: DiagnosisCache) -> None:
    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
    async def complete(
        _: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        chosen = dict((context.arguments if context else None) or {})
        begin = argument.value.lower()
        found = sorted({v for v in _values(desk, argument.name, chosen) if v.lower().startswith(begin)})
        return Completion(values=found[:_MOST], total=len(found), has_more=len(found) > _MOST)


def _values(desk: DiagnosisCache, argument: str, chosen: dict[str, str]) -> Iterable[str]:
    """Return what an argument may be, of the rules and of the last reading: a completion reads nothing anew."""
    rules, of = desk.catalogue.rules, desk.last
    objects = [r.ref for r in of.snapshot.cluster.flux] if of and of.snapshot else []
    known: dict[str, Iterable[str]] = {
        "area": (r.area for r in rules),
        "rule": (r.id.partition("/")[2] for r in rules if chosen.get("area", r.area) == r.area),
        "kind": KINDS,
        "fingerprint": (f.fingerprint for f in of.report.findings) if of else (),
        "namespace": (named(r.namespace) for r in objects),
        "name": (named(r.name) for r in objects if _is_chosen(r, chosen)),
    }
    return known.get(argument, ())


def _is_chosen(one: Ref, chosen: dict[str, str]) -> bool:
    kind = kinds.read(chosen.get("kind", "")) or one.kind
    return kind == one.kind and chosen.get("namespace", one.namespace) == one.namespace
