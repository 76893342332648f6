"""The tools that change a cluster: they exist only if the server was started with --allow-writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from fluxdoctor.collect.kube.write import FORCE, RESET, Writer
from fluxdoctor.mcp import arguments, changes
from fluxdoctor.mcp.answers import ChangeOutcome, result
from fluxdoctor.mcp.execution import perform
from fluxdoctor.mcp.quote import name as quoted_name
from fluxdoctor.mcp.quote import ref
from fluxdoctor.mcp.reading_tools import ContextName
from fluxdoctor.mcp.sessions import CallContext, DiagnosisCache
from fluxdoctor.model.resource import Ref

Kind = Annotated[str, Field(description="Kind of the object, such as ks, hr, Kustomization or source git.")]
Name = Annotated[str, Field(description="Name of the object.")]
Home = Annotated[str, Field(description="Namespace of the object.")]
Wait = Annotated[int, Field(ge=1, le=600, description="Seconds to wait for the controller.")]
DryRun = Annotated[bool, Field(description="If set, only validate the change on the API server.")]
_ASKS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True)
_SETS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)


def register(server: MCPServer[Any], diagnoses: DiagnosisCache) -> None:
    """Add the tools to a server."""
    allowed = diagnoses.settings.namespaces

    def permit(target: Ref) -> None:
        if allowed and target.namespace not in allowed:
            raise ToolError(
                f"{ref(target)} cannot be changed: this server only changes objects of {', '.join(map(quoted_name, allowed))}"
            )

    async def change(
        ctx: Context[Any, Any],
        target: Ref,
        context: str,
        seconds: float,
        dry_run: bool,
        do: Callable[[Writer, CallContext], ChangeOutcome],
    ) -> CallToolResult:
        permit(target)
        login = diagnoses.login(diagnoses.query(context=context).context)

        def work(call: CallContext) -> ChangeOutcome:
            try:
                with changes.writing(login, call, dry_run=dry_run) as writer:
                    return do(writer, call)
            finally:
                diagnoses.invalidate()

        return result(await perform(ctx, seconds, work))

    @server.tool(annotations=_ASKS)
    async def flux_reconcile_tool(
        ctx: Context[Any, Any], kind: Kind, name: Name, namespace: Home, context: ContextName = "",
        with_source: Annotated[bool, Field(description="If set, reconcile the source first.")] = False,
        force: Annotated[bool, Field(description="If set, install or upgrade a HelmRelease even if nothing changed.")] = False,
        reset: Annotated[bool, Field(description="If set, reset the failure count of a HelmRelease.")] = False,
        dry_run: DryRun = False, wait_seconds: Wait = 60,
    ) -> Annotated[CallToolResult, ChangeOutcome]:  # fmt: skip
        """Reconcile a Flux object now instead of at its next interval, and wait for the result.

        This does not fix the findings of diagnose. Call it after a fix is merged.
        """
        target = _target(kind, name, namespace, changes.RECONCILABLE)
        if (force or reset) and target.kind != "HelmRelease":
            raise ToolError("force and reset can only be used with a HelmRelease")
        extra = (*((FORCE,) if force else ()), *((RESET,) if reset else ()))

        def do(writer: Writer, call: CallContext) -> ChangeOutcome:
            return changes.reconcile(writer, target, call, changes.ChangeRequest(permit, with_source, extra))

        return await change(ctx, target, context, wait_seconds, dry_run, do)

    @server.tool(annotations=_SETS)
    async def flux_suspend_tool(
        ctx: Context[Any, Any], kind: Kind, name: Name, namespace: Home, context: ContextName = "",
        reason: Annotated[str, Field(max_length=300, description="Reason, which is stored in an annotation.")] = "maintenance",
        dry_run: DryRun = False,
    ) -> Annotated[CallToolResult, ChangeOutcome]:  # fmt: skip
        """Suspend a Flux object for maintenance. Its controller does not reconcile it until it is resumed.

        Workloads keep running. An annotation of the object records the user and the reason.
        """
        target = _target(kind, name, namespace, changes.SUSPENDABLE)
        return await change(
            ctx,
            target,
            context,
            diagnoses.settings.timeout,
            dry_run,
            lambda w, r: changes.suspend(w, target, r, reason),
        )

    @server.tool(annotations=_SETS)
    async def flux_resume_tool(
        ctx: Context[Any, Any], kind: Kind, name: Name, namespace: Home, context: ContextName = "",
        dry_run: DryRun = False, wait_seconds: Wait = 60,
    ) -> Annotated[CallToolResult, ChangeOutcome]:  # fmt: skip
        """Resume a Flux object, wait for its first reconciliation, and return what changed while it was suspended."""
        target = _target(kind, name, namespace, changes.SUSPENDABLE)
        return await change(ctx, target, context, wait_seconds, dry_run, lambda w, r: changes.resume(w, target, r))


def _target(kind: str, name: str, namespace: str, allowed: Sequence[str]) -> Ref:
    return Ref(
        arguments.kind(kind, allowed),
        arguments.path_segment("namespace", namespace),
        arguments.path_segment("name", name),
    )
