"""The tools that diagnose, explain and draw: they read, and change nothing."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from fluxdoctor.mcp import arguments, said
from fluxdoctor.mcp.answers import Diagnosis, Drawing, RulePage, fit, result, size
from fluxdoctor.mcp.call import Pager, perform, reading
from fluxdoctor.mcp.desk import Desk, Reading, Run, is_snapshot
from fluxdoctor.mcp.quote import quoted
from fluxdoctor.model.chain import chains
from fluxdoctor.model.finding import Finding
from fluxdoctor.model.resource import Ref
from fluxdoctor.report.graph import Picture, draw
from fluxdoctor.report.graph_code import mermaid

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
ContextName = Annotated[str, Field(description="the kubeconfig context, where the server serves several")]
Cursor = Annotated[str, Field(description="from the answer before, for what did not fit into it")]
Fresh = Annotated[bool, Field(description="read anew, even where a reading of the last minute is at hand")]
Tokens = Annotated[int, Field(ge=300, le=20_000, description="about how long the answer may be")]
_LARGE = 30


def register(server: MCPServer[Any], desk: Desk) -> None:
    """Add the tools to a server."""
    _diagnosing(server, desk)
    _explaining(server, desk)


def _diagnosing(server: MCPServer[Any], desk: Desk) -> None:
    budget = desk.settings.tokens

    @server.tool(annotations=READS)
    async def diagnose(
        ctx: Context[Any, Any],
        namespace: str = "",
        kind: str = "",
        name: str = "",
        context: ContextName = "",
        path: Annotated[str, Field(description="a snapshot or a repository below an allowed root, instead")] = "",
        cursor: Cursor = "",
        max_tokens: Tokens = budget,
        fresh: Fresh = False,
    ) -> Annotated[CallToolResult, Diagnosis]:
        """Name the root causes of a failing Flux cluster, namespace or object, with proof and fix; the first to fix first."""

        def work(run: Run) -> Diagnosis:
            target = _target(kind, namespace, name)
            focus = target if target and target.namespace else None
            ask = desk.ask(
                context=context, path=path, namespaces=(namespace,) if namespace else (), focus=focus,
                probing=desk.settings.probing,
            ) if not path else desk.ask(context=context, path=path)  # fmt: skip
            of = reading(desk, ask, run, fresh=fresh, cursor=cursor)
            return _diagnosis(of, target, namespace, cursor, max_tokens)

        return result(await perform(ctx, desk.settings.timeout, work))

    @server.tool(annotations=READS)
    async def check_repository(
        ctx: Context[Any, Any], path: str, cursor: Cursor = "", max_tokens: Tokens = budget, fresh: Fresh = False
    ) -> Annotated[CallToolResult, Diagnosis]:
        """Check a git working tree before it is merged, as Flux would build it; no cluster is needed."""

        def work(run: Run) -> Diagnosis:
            ask = desk.ask(path=path)
            if ask.path and is_snapshot(ask.path):
                raise ToolError("this path is a snapshot: give it to diagnose")
            of = reading(desk, ask, run, fresh=fresh, cursor=cursor)
            return _diagnosis(of, None, "", cursor, max_tokens)

        return result(await perform(ctx, desk.settings.timeout, work))


def _explaining(server: MCPServer[Any], desk: Desk) -> None:
    budget = desk.settings.tokens

    @server.tool(annotations=READS)
    async def explain_rule(rule: str) -> Annotated[CallToolResult, RulePage]:
        """Explain a rule: why it happens, how to see it by hand, and the fix."""
        found = desk.catalogue.get(rule)
        if found is None:
            raise arguments.one_of("rule", rule, [r.id for r in desk.catalogue.rules])
        room = budget * 3
        page = found.page if len(found.page) <= room else f"{found.page[:room]}…"
        return result(
            RulePage(
                rule=found.id, severity=found.severity.value, summary=found.summary, fix=found.fix,
                faults=list(found.faults), page=page,
            )
        )  # fmt: skip

    @server.tool(annotations=READS)
    async def dependency_graph(
        ctx: Context[Any, Any],
        namespace: str = "",
        context: ContextName = "",
        path: Annotated[str, Field(description="a snapshot below an allowed root, instead")] = "",
        max_tokens: Tokens = budget,
        fresh: Fresh = False,
    ) -> Annotated[CallToolResult, Drawing]:
        """Draw what needs what: root causes, what they block, what is stale; what is alike is drawn as one."""

        def work(run: Run) -> Drawing:
            spaces = (namespace,) if namespace else ()
            ask = desk.ask(path=path) if path else desk.ask(context=context, namespaces=spaces)
            of = desk.read(ask, run, fresh=fresh)
            if of.snapshot is None:
                raise ToolError("a repository has no one graph: give the path of a snapshot")
            return _drawing(of, draw(of.snapshot, of.report, large=_LARGE), max_tokens)

        return result(await perform(ctx, desk.settings.timeout, work))


def _target(kind: str, namespace: str, name: str) -> Ref | None:
    if not kind and not name:
        return None
    if not (kind and name):
        raise ToolError("one object is named by kind and name together, such as kind=ks, name=apps")
    return Ref(arguments.kind(kind), namespace, name)


def _diagnosis(of: Reading, target: Ref | None, namespace: str, cursor: str, tokens: int) -> Diagnosis:
    report = of.report
    found: tuple[Finding, ...] = report.findings
    ways: list[str] = []
    if target:
        if of.snapshot is None:
            raise ToolError("a repository is checked as a whole: leave kind and name out")
        told = chains(arguments.thing(target, of.snapshot.cluster), report, of.snapshot)
        found, ways = tuple(c.finding for c in told), [said.chain(c) for c in told]
    elif namespace:
        if of.snapshot:
            arguments.namespace(namespace, of.snapshot.cluster)
        found = tuple(f for f in found if _in(namespace, f))
    pager = Pager(of, cursor, "diagnose", target, namespace)
    answer = Diagnosis(
        verdict=report.verdict.value, mode=report.mode, objects=report.objects, not_ready=report.not_ready,
        total=len(found), chains=ways[:5], **said.about(of),
    )  # fmt: skip
    answer.findings, place = fit([said.cause(f) for f in found], pager.begin, tokens, size(answer) + 20)
    answer.cursor = pager.next(place, len(found))
    return answer


def _in(namespace: str, finding: Finding) -> bool:
    return any(
        namespace in (r.namespace, r.name if r.kind == "Namespace" else "")
        for r in (finding.subject, *finding.also, *finding.blocks)
    )


def _drawing(of: Reading, picture: Picture, tokens: int) -> Drawing:
    answer = Drawing(total=len(picture.nodes), **said.about(of))
    code = mermaid(picture)
    if len(code) // 3 + size(answer) <= tokens:
        answer.mermaid = code
        return answer
    left = tokens - size(answer)
    for i, node in enumerate(picture.nodes):
        text = f"{i} {node.mark}: {quoted(node.label, 120)}"
        left -= len(text) // 3 + 2
        if left < 0:
            break
        answer.nodes.append(text)
    answer.note = (
        f"too large for one picture: the first {len(answer.nodes)} of {len(picture.nodes)} nodes, causes first"
    )
    return answer
