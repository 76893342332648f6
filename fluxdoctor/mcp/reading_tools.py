"""The tools that diagnose, explain and draw: they read, and change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from fluxdoctor.mcp import arguments, render
from fluxdoctor.mcp.answers import Diagnosis, Drawing, RulePage, compact, fit, result, size
from fluxdoctor.mcp.answers import tokens as count
from fluxdoctor.mcp.execution import Pager, cached_diagnosis, perform
from fluxdoctor.mcp.quote import quoted
from fluxdoctor.mcp.quote import ref as ref_
from fluxdoctor.mcp.scope import part
from fluxdoctor.mcp.sessions import CachedDiagnosis, CallContext, DiagnosisCache, Query, is_snapshot
from fluxdoctor.model.flux import CLUSTER_SCOPED, KINDS
from fluxdoctor.model.resource import Ref
from fluxdoctor.report.graph import draw
from fluxdoctor.report.graph_code import mermaid

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
ContextName = Annotated[str, Field(description="the kubeconfig context, where the server serves several clusters")]
NoContext = Annotated[str, Field(description="accepted as by every tool; the answer is the same for each cluster")]
Cursor = Annotated[str, Field(description="from the answer before, for what did not fit into it")]
Fresh = Annotated[bool, Field(description="run a new diagnosis: after a change that this server did not make")]
Tokens = Annotated[int, Field(ge=300, le=20_000, description="about how long the answer may be")]
Namespace = Annotated[str, Field(description="only this namespace; all of them without it")]
_LARGE = 30
_CUT = 40  # tokens for saying where the rest of a page is


def register(server: MCPServer[Any], diagnoses: DiagnosisCache) -> None:
    """Add the tools to a server."""
    _diagnosing(server, diagnoses)
    _explaining(server, diagnoses)


def _diagnosing(server: MCPServer[Any], diagnoses: DiagnosisCache) -> None:
    budget = diagnoses.settings.tokens

    @server.tool(annotations=READS)
    async def diagnose(
        ctx: Context[Any, Any],
        namespace: Annotated[
            str, Field(description="of this namespace; of the object, where kind and name are given")
        ] = "",
        kind: Annotated[
            str, Field(description="of one object: ks, hr, Kustomization, gitrepository, source git ...")
        ] = "",
        name: Annotated[str, Field(description="of one object, with kind")] = "",
        context: ContextName = "",
        path: Annotated[str, Field(description="a snapshot or a repository below an allowed root, instead")] = "",
        cursor: Cursor = "",
        max_tokens: Tokens = budget,
        fresh: Fresh = False,
    ) -> Annotated[CallToolResult, Diagnosis]:
        """Name the root causes of what fails in a Flux CD cluster, with proof and fix; the first finding is the first to fix.

        Begin with this, without arguments: it reads all of Flux at once, and folds what only follows from another failure under
        its cause. With kind and name it tells why one object is not ready, step by step.
        """

        def work(call: CallContext) -> Diagnosis:
            target = _target(kind, namespace, name)
            query = diagnoses.query(
                context=context,
                path=path,
                namespaces=(namespace,) if namespace else (),
                probing=diagnoses.settings.probing,
            )
            diagnosis = _read(diagnoses, query, target, call, fresh=fresh, cursor=cursor)
            return _diagnosis(diagnosis, target, namespace, cursor, max_tokens)

        return result(await perform(ctx, diagnoses.settings.timeout, work))

    @server.tool(annotations=READS)
    async def check_repository(
        ctx: Context[Any, Any],
        path: Annotated[str, Field(description="the folder of a git working tree below an allowed root")],
        context: NoContext = "",
        cursor: Cursor = "",
        max_tokens: Tokens = budget,
        fresh: Fresh = False,
    ) -> Annotated[CallToolResult, Diagnosis]:
        """Check a git working tree before it is merged, as Flux would build it: what would break, at which file and line.

        No cluster is read. A finding of severity error breaks a deployment.
        """

        def work(call: CallContext) -> Diagnosis:
            diagnoses.query(context=context)
            query = diagnoses.query(path=path)
            if query.path and is_snapshot(query.path):
                raise ToolError("this path is a snapshot: give it to diagnose")
            diagnosis = cached_diagnosis(diagnoses, query, call, fresh=fresh, cursor=cursor)
            return _diagnosis(diagnosis, None, "", cursor, max_tokens)

        return result(await perform(ctx, diagnoses.settings.timeout, work))


def _explaining(server: MCPServer[Any], diagnoses: DiagnosisCache) -> None:
    budget = diagnoses.settings.tokens

    @server.tool(annotations=READS)
    async def explain_rule(
        rule: Annotated[str, Field(description="as a finding names it, such as helm/chart-version-missing")],
        context: NoContext = "",
    ) -> Annotated[CallToolResult, RulePage]:
        """Explain the rule of a finding: why that happens, what Flux does about it, how to see it by hand, and the fix."""
        diagnoses.query(context=context)
        page = diagnoses.catalogue.get(rule)
        if page is None:
            raise arguments.one_of("rule", rule, [r.id for r in diagnoses.catalogue.rules])
        answer = RulePage(
            rule=page.id, severity=page.severity.value, summary=page.summary, fix=page.fix, faults=list(page.faults),
            page="",
        )  # fmt: skip
        answer.page = _cut(page.page, budget - size(answer))
        return result(answer)

    @server.tool(annotations=READS)
    async def dependency_graph(
        ctx: Context[Any, Any],
        namespace: Namespace = "",
        context: ContextName = "",
        path: Annotated[str, Field(description="a snapshot below an allowed root, instead")] = "",
        cursor: Cursor = "",
        max_tokens: Tokens = budget,
        fresh: Fresh = False,
    ) -> Annotated[CallToolResult, Drawing]:
        """Draw what needs what, as a mermaid flowchart: root causes, what they block, what gets no changes, what is well."""

        def work(call: CallContext) -> Drawing:
            query = diagnoses.query(context=context, path=path, namespaces=(namespace,) if namespace else ())
            diagnosis = cached_diagnosis(diagnoses, query, call, fresh=fresh, cursor=cursor)
            if namespace and diagnosis.snapshot:
                arguments.namespace(namespace, diagnosis.snapshot.cluster)
            return _drawing(diagnosis, cursor, max_tokens, namespace)

        return result(await perform(ctx, diagnoses.settings.timeout, work))


def _read(
    diagnoses: DiagnosisCache, query: Query, target: Ref | None, call: CallContext, *, fresh: bool, cursor: str
) -> CachedDiagnosis:
    """Diagnose the query; of one object, what it depends on in all namespaces, as the command line does.

    If access to other namespaces is denied and the object was not seen, its namespace alone is read.
    """
    if target is None or query.path or not (target.namespace or target.kind in CLUSTER_SCOPED):
        return cached_diagnosis(diagnoses, query, call, fresh=fresh, cursor=cursor)
    wide = cached_diagnosis(diagnoses, replace(query, namespaces=(), focus=target), call, fresh=fresh, cursor=cursor)
    unknown = wide.snapshot is not None and wide.snapshot.cluster.look(target).unknown
    if cursor or not (unknown and target.namespace):
        return wide
    return diagnoses.read(replace(query, focus=target), call, fresh=fresh)


def _cut(page: str, budget: int) -> str:
    """Cut a page, between two lines, so that its JSON takes no more than a budget of tokens."""
    if count(compact(page)) <= budget:
        return page
    lines: list[str] = []
    for line in page.splitlines(keepends=True):
        if count(compact("".join((*lines, line)))) + _CUT > budget:
            break
        lines.append(line)
    return f"{''.join(lines)}\n… (the whole page: `fluxdoctor explain`, or the resource fluxdoctor://rules/...)\n"


def _target(kind: str, namespace: str, name: str) -> Ref | None:
    if not kind and not name:
        return None
    if not (kind and name):
        raise ToolError("one object is named by kind and name together, such as kind=ks, name=apps")
    full_kind = arguments.kind(kind)
    return Ref(full_kind, "" if full_kind in CLUSTER_SCOPED else namespace, arguments.path_segment("name", name))


def _diagnosis(diagnosis: CachedDiagnosis, target: Ref | None, namespace: str, cursor: str, tokens: int) -> Diagnosis:
    scope = part(diagnosis, target, namespace)
    pager = Pager(diagnosis, cursor, "diagnose", target, namespace)
    answer = Diagnosis(
        verdict=scope.verdict.value, mode=diagnosis.report.mode, objects=scope.objects, not_ready=scope.not_ready,
        total=len(scope.findings), chains=[render.chain(way) for way in scope.ways[:5]], **render.about(diagnosis),
    )  # fmt: skip
    if scope.resource and scope.resource.kind in KINDS:
        answer.object = render.state(scope.resource)
    elif scope.target and not scope.resource:
        answer.note = f"{ref_(scope.target)} was not read"
    answer.findings, place = fit([render.cause(f) for f in scope.findings], pager.begin, tokens, size(answer) + 20)
    answer.cursor = pager.next(place, len(scope.findings))
    return answer


def _drawing(diagnosis: CachedDiagnosis, cursor: str, tokens: int, namespace: str) -> Drawing:
    if diagnosis.snapshot is None:
        raise ToolError("a repository has no single graph: give the path of a snapshot")
    picture = draw(diagnosis.snapshot, diagnosis.report, large=_LARGE, namespace=namespace)
    pager = Pager(diagnosis, cursor, "graph", namespace)
    answer = Drawing(total=len(picture.nodes), **render.about(diagnosis))
    code = mermaid(picture)
    if not cursor and count(compact(code)) + size(answer) <= tokens:
        answer.mermaid = code
        return answer
    lines = [f"{i} {node.mark}: {quoted(node.label, 120)}" for i, node in enumerate(picture.nodes)]
    lines += [f"{a.source} -> {a.target} {a.why}" for a in picture.arrows]
    answer.note = (
        f"too large for one picture: {len(picture.nodes)} nodes, causes first, then {len(picture.arrows)} arrows"
    )
    room = tokens - size(answer) - 20
    for line in lines[pager.begin :]:
        room -= count(compact(line)) + 1
        if answer.lines and room < 0:
            break
        answer.lines.append(line)
    answer.cursor = pager.next(pager.begin + len(answer.lines), len(lines))
    return answer
