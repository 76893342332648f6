"""Resources (the rules, the last report, its graph), prompts for common tasks, and completion of what they take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import Completion, CompletionArgument, CompletionContext

from fluxdoctor.mcp import render
from fluxdoctor.mcp.answers import Diagnosis, compact, fit, size
from fluxdoctor.mcp.arguments import valid_names
from fluxdoctor.mcp.quote import NOTE, quoted
from fluxdoctor.mcp.quote import name as quoted_name
from fluxdoctor.mcp.sessions import CachedDiagnosis, DiagnosisCache
from fluxdoctor.model import kinds
from fluxdoctor.model.flux import KINDS
from fluxdoctor.model.resource import Ref
from fluxdoctor.report.graph import draw
from fluxdoctor.report.graph_code import mermaid

_LARGE = 60
_MOST = 100  # values of one completion, as the protocol has it
_MARKDOWN = "text/markdown"


def register(server: MCPServer[Any], diagnoses: DiagnosisCache) -> None:
    """Add all of it to a server."""
    _resources(server, diagnoses)
    _prompts(server)


def _resources(server: MCPServer[Any], diagnoses: DiagnosisCache) -> None:
    rules = diagnoses.catalogue

    @server.resource("fluxdoctor://rules", mime_type="text/plain", description="Id, severity and summary of all rules.")
    def catalogue() -> str:
        return "".join(f"{r.id}\t{r.severity.value}\t{r.summary}\n" for r in rules.rules)

    @server.resource("fluxdoctor://rules/{area}/{rule}", mime_type=_MARKDOWN, description="Page of a rule.")
    def page(area: str, rule: str) -> str:
        page = rules.get(f"{area}/{rule}")
        if page is None:
            near = ", ".join(valid_names(f"{area}/{rule}", [r.id for r in rules.rules]))
            raise ResourceNotFoundError(f"rule {quoted(f'{area}/{rule}', 80)} not found; valid: {near}")
        return page.page

    @server.resource("fluxdoctor://report", mime_type="application/json", description="Last report.")
    def report() -> str:
        diagnosis = _last(diagnoses)
        last = diagnosis.report
        answer = Diagnosis(
            verdict=last.verdict.value, mode=last.mode, objects=last.objects, not_ready=last.not_ready,
            total=len(last.findings), note=NOTE, **render.about(diagnosis),
        )  # fmt: skip
        answer.findings, _ = fit(
            [render.cause(f) for f in last.findings], 0, diagnoses.settings.tokens * 5, size(answer)
        )
        return compact(answer.model_dump(mode="json"))

    @server.resource(
        "fluxdoctor://graph", mime_type="text/vnd.mermaid", description="Dependency graph of the last report."
    )
    def graph() -> str:
        diagnosis = _last(diagnoses)
        if diagnosis.snapshot is None:
            raise ResourceError("the last report is about a repository, which has no single graph")
        return mermaid(draw(diagnosis.snapshot, diagnosis.report, large=_LARGE))


def _last(diagnoses: DiagnosisCache) -> CachedDiagnosis:
    if diagnoses.last is None:
        raise ResourceError("no diagnosis yet; call the tool diagnose first")
    return diagnoses.last


def _prompts(server: MCPServer[Any]) -> None:
    @server.prompt(title="Triage this cluster")
    def triage_cluster(namespace: str = "") -> str:
        """Find what is broken, what to fix first, and what could not be checked."""
        where = f" with namespace={quoted_name(namespace)}" if namespace else ""
        return (
            f"Call diagnose{where}. List the root causes in the order of the answer. For each, show the object to change, the "
            "proof, the fix and the number of blocked objects. Then list what was not checked (not_seen). Change nothing. "
            + NOTE
        )

    @server.prompt(title="Check this repository before merge")
    def check_before_merge(path: str) -> str:
        """Check whether a working tree can be merged."""
        return (
            f"Call check_repository with path={quoted(path, 300)} (without the quotation marks). First answer whether it can "
            "be merged: a finding of severity error blocks the merge. For each finding, show the file, the line, the message "
            "and the fix. " + NOTE
        )

    @server.prompt(title="Explain this finding to its owner")
    def explain_finding(fingerprint: str) -> str:
        """Explain a finding to the owner of the broken object, for readers new to Flux."""
        return (
            f"Call diagnose, find the finding with fingerprint {quoted_name(fingerprint)}, and call explain_rule with its rule. "
            "Write a short message to the owner of its subject: what is broken, the symptoms, the proof, what to change in git, "
            "and how to verify the fix. Explain every Flux term that you use. " + NOTE
        )

    @server.prompt(title="Plan a maintenance pause")
    def plan_maintenance(kind: str, name: str, namespace: str) -> str:
        """Plan what to suspend, for how long, and how to resume."""
        what = "/".join(quoted_name(part) for part in (kind, namespace, name))
        return (
            f"Plan a maintenance pause of {what}. Call dependency_graph to find what depends on it. Call diagnose with its "
            "kind, name and namespace to check whether it is healthy. Propose the steps in order: flux_suspend_tool with a "
            "reason, the maintenance, flux_resume_tool. Use dry_run=true first. Make no change before a person agrees. "
            + NOTE
        )


def complete(diagnoses: DiagnosisCache, argument: CompletionArgument, context: CompletionContext | None) -> Completion:
    """Return what an argument may be that begins so."""
    values = dict((context.arguments if context else None) or {})
    begin = argument.value.lower()
    matches = sorted({v for v in _values(diagnoses, argument.name, values) if v.lower().startswith(begin)})
    return Completion(values=matches[:_MOST], total=len(matches), has_more=len(matches) > _MOST)


def _values(diagnoses: DiagnosisCache, argument: str, values: dict[str, str]) -> Iterable[str]:
    """Return what an argument may be, of the rules and of the last diagnosis: a completion reads nothing."""
    rules, diagnosis = diagnoses.catalogue.rules, diagnoses.last
    objects = [r.ref for r in diagnosis.snapshot.cluster.flux] if diagnosis and diagnosis.snapshot else []
    candidates: dict[str, Iterable[str]] = {
        "area": (r.area for r in rules),
        "rule": (r.id.partition("/")[2] for r in rules if values.get("area", r.area) == r.area),
        "kind": KINDS,
        "fingerprint": (f.fingerprint for f in diagnosis.report.findings) if diagnosis else (),
        "namespace": (quoted_name(r.namespace) for r in objects),
        "name": (quoted_name(r.name) for r in objects if _is_selected(r, values)),
    }
    return candidates.get(argument, ())


def _is_selected(ref: Ref, values: dict[str, str]) -> bool:
    kind = kinds.read(values.get("kind", "")) or ref.kind
    return kind == ref.kind and values.get("namespace", ref.namespace) == ref.namespace
