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
ContextName = Annotated[str, Field(description="Kubeconfig context, if the server has several.")]
NoContext = Annotated[str, Field(description="Kubeconfig context. The answer does not depend on it.")]
Cursor = Annotated[str, Field(description="Cursor from the previous answer, for the next page.")]
Fresh = Annotated[
    bool, Field(description="If set, run a new diagnosis. Use it after changes that this server did not make.")
]
Tokens = Annotated[int, Field(ge=300, le=20_000, description="Approximate length of the answer.")]
Namespace = Annotated[str, Field(description="Namespace. Defaults to all namespaces.")]
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
            str, Field(description="Namespace to diagnose, or namespace of the object. Defaults to all namespaces.")
        ] = "",
        kind: Annotated[
            str, Field(description="Kind of one object, such as ks, hr, Kustomization or source git. Requires name.")
        ] = "",
        name: Annotated[str, Field(description="Name of one object. Requires kind.")] = "",
        context: ContextName = "",
        path: Annotated[str, Field(description="Snapshot or repository to read instead of the cluster.")] = "",
        cursor: Cursor = "",
        max_tokens: Tokens = budget,
        fresh: Fresh = False,
    ) -> Annotated[CallToolResult, Diagnosis]:
        """Find the root causes of failures in a Flux CD cluster, with proof and fix, in the order to fix them.

        Call this tool first, without arguments. It reads all Flux objects, and reports the objects that a root cause blocks under
        that cause. With kind and name, it returns the chain from one object to its root causes.
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
        path: Annotated[str, Field(description="Folder of a git working tree below an allowed root.")],
        context: NoContext = "",
        cursor: Cursor = "",
        max_tokens: Tokens = budget,
        fresh: Fresh = False,
    ) -> Annotated[CallToolResult, Diagnosis]:
        """Check a git working tree before it is merged. Each finding has its file and line.

        Every cluster in the tree is built as Flux would build it. No live cluster is read. An error breaks a deployment.
        """

        def work(call: CallContext) -> Diagnosis:
            diagnoses.query(context=context)
            query = diagnoses.query(path=path)
            if query.path and is_snapshot(query.path):
                raise ToolError("this path is a snapshot; use the tool diagnose for it")
            diagnosis = cached_diagnosis(diagnoses, query, call, fresh=fresh, cursor=cursor)
            return _diagnosis(diagnosis, None, "", cursor, max_tokens)

        return result(await perform(ctx, diagnoses.settings.timeout, work))


def _explaining(server: MCPServer[Any], diagnoses: DiagnosisCache) -> None:
    budget = diagnoses.settings.tokens

    @server.tool(annotations=READS)
    async def explain_rule(
        rule: Annotated[str, Field(description="Id of the rule, such as helm/chart-version-missing.")],
        context: NoContext = "",
    ) -> Annotated[CallToolResult, RulePage]:
        """Explain a rule: why the fault happens, what Flux does about it, how to verify it by hand, and how to fix it."""
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
        path: Annotated[str, Field(description="Snapshot to read instead of the cluster.")] = "",
        cursor: Cursor = "",
        max_tokens: Tokens = budget,
        fresh: Fresh = False,
    ) -> Annotated[CallToolResult, Drawing]:
        """Draw the dependency graph as a Mermaid flowchart, with root causes, blocked, stale and healthy objects."""

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
    return f"{''.join(lines)}\n… (for the whole page, run fluxdoctor explain or read the resource fluxdoctor://rules/...)\n"


def _target(kind: str, namespace: str, name: str) -> Ref | None:
    if not kind and not name:
        return None
    if not (kind and name):
        raise ToolError("kind and name must be set together, such as kind=ks, name=apps")
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
        raise ToolError("a repository has no single graph; set path to a snapshot")
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
        f"too large for a flowchart: {len(picture.nodes)} nodes, root causes first, then {len(picture.arrows)} arrows"
    )
    room = tokens - size(answer) - 20
    for line in lines[pager.begin :]:
        room -= count(compact(line)) + 1
        if answer.lines and room < 0:
            break
        answer.lines.append(line)
    answer.cursor = pager.next(pager.begin + len(answer.lines), len(lines))
    return answer
