"""The tools that list Flux objects and events, in short and those that fail first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult

from fluxdoctor.mcp import arguments, render
from fluxdoctor.mcp.answers import EventPage, States, fit, result, size
from fluxdoctor.mcp.execution import Pager, cached_diagnosis, perform
from fluxdoctor.mcp.reading_tools import READS, ContextName, Cursor, Fresh, Namespace, Tokens
from fluxdoctor.mcp.sessions import CachedDiagnosis, CallContext, DiagnosisCache
from fluxdoctor.model.flux import SOURCES
from fluxdoctor.model.snapshot import Snapshot


def register(server: MCPServer[Any], diagnoses: DiagnosisCache) -> None:
    """Add the tools to a server."""
    budget = diagnoses.settings.tokens

    def read(
        call: CallContext, namespace: str, context: str, cursor: str, *, fresh: bool
    ) -> tuple[CachedDiagnosis, Snapshot]:
        query = diagnoses.query(context=context, namespaces=(namespace,) if namespace else ())
        diagnosis = cached_diagnosis(diagnoses, query, call, fresh=fresh, cursor=cursor)
        if diagnosis.snapshot is None:
            raise ToolError("the server reads a repository, which has no live objects")
        arguments.namespace(namespace, diagnosis.snapshot.cluster)
        return diagnosis, diagnosis.snapshot

    async def listed(
        ctx: Context[Any, Any],
        kinds: Sequence[str],
        namespace: str,
        context: str,
        cursor: str,
        tokens: int,
        fresh: bool,
    ) -> CallToolResult:
        def work(call: CallContext) -> States:
            diagnosis, snapshot = read(call, namespace, context, cursor, fresh=fresh)
            rows = render.states(snapshot, kinds, namespace)
            pager = Pager(diagnosis, cursor, tuple(kinds), namespace)
            answer = States(total=len(rows), counts=render.counts(rows), **render.about(diagnosis))
            answer.items, place = fit(rows, pager.begin, tokens, size(answer) + 20)
            answer.cursor = pager.next(place, len(rows))
            return answer

        return result(await perform(ctx, diagnoses.settings.timeout, work))

    @server.tool(annotations=READS)
    async def flux_sources_list_tool(
        ctx: Context[Any, Any], namespace: Namespace = "", context: ContextName = "", cursor: Cursor = "",
        max_tokens: Tokens = budget, fresh: Fresh = False,
    ) -> Annotated[CallToolResult, States]:  # fmt: skip
        """List Flux sources with state, revision and message, failing ones first: repositories, charts and buckets."""
        return await listed(ctx, SOURCES, namespace, context, cursor, max_tokens, fresh)

    @server.tool(annotations=READS)
    async def flux_kustomizations_list_tool(
        ctx: Context[Any, Any], namespace: Namespace = "", context: ContextName = "", cursor: Cursor = "",
        max_tokens: Tokens = budget, fresh: Fresh = False,
    ) -> Annotated[CallToolResult, States]:  # fmt: skip
        """List Flux Kustomizations with state, applied revision and message, failing ones first. For causes, call diagnose."""
        return await listed(ctx, ("Kustomization",), namespace, context, cursor, max_tokens, fresh)

    @server.tool(annotations=READS)
    async def flux_helmreleases_list_tool(
        ctx: Context[Any, Any], namespace: Namespace = "", context: ContextName = "", cursor: Cursor = "",
        max_tokens: Tokens = budget, fresh: Fresh = False,
    ) -> Annotated[CallToolResult, States]:  # fmt: skip
        """List HelmReleases with state, chart version and message, failing ones first. For causes, call diagnose."""
        return await listed(ctx, ("HelmRelease",), namespace, context, cursor, max_tokens, fresh)

    @server.tool(annotations=READS)
    async def get_events(
        ctx: Context[Any, Any], namespace: Namespace = "", context: ContextName = "", cursor: Cursor = "",
        max_tokens: Tokens = budget, fresh: Fresh = False,
    ) -> Annotated[CallToolResult, EventPage]:  # fmt: skip
        """List the Kubernetes events of type Warning, newest first."""

        def work(call: CallContext) -> EventPage:
            diagnosis, snapshot = read(call, namespace, context, cursor, fresh=fresh)
            rows = render.events(snapshot, namespace)
            pager = Pager(diagnosis, cursor, "events", namespace)
            answer = EventPage(total=len(rows), **render.about(diagnosis))
            answer.items, place = fit(rows, pager.begin, max_tokens, size(answer) + 20)
            answer.cursor = pager.next(place, len(rows))
            return answer

        return result(await perform(ctx, diagnoses.settings.timeout, work))
