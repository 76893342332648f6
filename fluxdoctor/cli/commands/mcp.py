"""`fluxdoctor mcp`: the MCP server, over stdio or HTTP."""

from __future__ import annotations

import gc
import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from fluxdoctor.cli import inputs
from fluxdoctor.cli.options import SECONDS, option_group
from fluxdoctor.cli.output import stop

if TYPE_CHECKING:
    from fluxdoctor.mcp.front import FrontServer
    from fluxdoctor.mcp.settings import ServerSettings


@dataclass(frozen=True)
class ListenArguments:
    """How clients reach the server."""

    transport: str
    """stdio or http."""
    host: str
    """The address to listen on."""
    port: int
    """The port to listen on; 0 takes a free one."""
    token_file: Path | None
    """The file with the bearer token that clients must send."""
    hosts: tuple[str, ...]
    """Other Host headers that are answered."""
    idle: float
    """Seconds without a request after which a session ends."""


@dataclass(frozen=True)
class ServerArguments:
    """What the server may read and do."""

    kubeconfig: str
    """The kubeconfig; $KUBECONFIG or ~/.kube/config if empty."""
    contexts: tuple[str, ...]
    """The contexts that clients may name; only the current one if empty."""
    snapshot: Path | None
    """The snapshot to answer from, instead of a cluster."""
    roots: tuple[Path, ...]
    """Folders below which clients may name snapshots and repositories."""
    writes: bool
    """Whether the tools that change the cluster are offered."""
    namespaces: str
    """The namespaces, separated by commas, whose objects may be changed; all if empty."""
    fresh: float
    """Seconds for which a diagnosis is used again."""
    max_tokens: int
    """About how long an answer is, unless the client sets its length."""
    timeout: float
    """Seconds for one call."""
    workers: int
    """The number of worker processes, and so of calls that run at a time."""
    memory: int
    """MiB of memory for each worker process."""
    probing: str
    """Which sources are asked over the network: all, failing or none."""
    allow_local: bool
    """Whether sources at loopback, link-local and metadata addresses are asked too."""
    no_cache: bool
    """Whether the cache folder is left alone."""


_LISTEN = (
    click.option("--transport", type=click.Choice(["stdio", "http"]), default="stdio", show_default=True,
                 help="Transport between the server and its clients."),
    click.option("--host", default="127.0.0.1", show_default=True,
                 help="With --transport http, the address to listen on."),
    click.option("--port", type=click.IntRange(0, 65535), default=8371, show_default=True,
                 help="With --transport http, the port to listen on. 0 selects a free port."),
    click.option("--token-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
                 help="With --transport http, path to a file with the bearer token that clients must send."),
    click.option("--allowed-host", "hosts", metavar="HOST[:PORT]", multiple=True,
                 help="With --transport http, also accept this Host header, such as the name of a proxy. Can be repeated."),
    click.option("--idle", type=SECONDS, default="30m", show_default=True,
                 help="With --transport http, end a session that has sent no request for this time."),
)  # fmt: skip
_SERVER = (
    click.option("--kubeconfig", metavar="FILE", default="",
                 help="Path to the kubeconfig file. Defaults to $KUBECONFIG or ~/.kube/config."),
    click.option("--context", "contexts", metavar="NAME", multiple=True,
                 help="Kubeconfig context that clients can select. Can be repeated; the first one is the default."),
    click.option("--from", "snapshot", type=click.Path(path_type=Path, exists=True), metavar="DIR|TGZ",
                 help="Answer from this snapshot instead of a cluster."),
    click.option("--root", "roots", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR", multiple=True,
                 help="Folder with snapshots and repositories that clients can select. Can be repeated."),
    click.option("--allow-writes", "writes", is_flag=True,
                 help="Also offer the tools that reconcile, suspend and resume objects."),
    click.option("--namespaces", metavar="NAME,NAME", default="",
                 help="With --allow-writes, allow changes only in these namespaces."),
    click.option("--fresh", type=SECONDS, default="60s", show_default=True,
                 help="Maximum age of a diagnosis that is used again."),
    click.option("--max-tokens", type=click.IntRange(300, 20_000), default=2000, show_default=True,
                 help="Approximate length of an answer, unless the client sets it."),
    click.option("--timeout", type=SECONDS, default="60s", show_default=True,
                 help="Time limit for a call. If it is reached, the results are partial."),
    click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True,
                 help="Number of worker processes, which is the number of calls that run at the same time."),
    click.option("--memory", type=click.IntRange(512, 1 << 20), default=4096, show_default=True, metavar="MIB",
                 help="Memory limit of a worker process. A call that needs more is ended."),
    click.option("--probe", "probing", type=click.Choice(["all", "failing", "none"]), default="all", show_default=True,
                 help="Flux sources to contact from this machine."),
    click.option("--allow-local", is_flag=True, help="Also contact sources at loopback, link-local and metadata addresses."),
    click.option("--no-cache", is_flag=True, help="Do not use the cache folder."),
)  # fmt: skip


@click.command(short_help="Serve the diagnosis and the Flux tools to agents.")
@option_group("listen", ListenArguments, _LISTEN)
@option_group("arguments", ServerArguments, _SERVER)
def mcp(listen: ListenArguments, arguments: ServerArguments) -> None:
    """Serve the diagnosis and the Flux tools to agents, over the Model Context Protocol.

    By default, the server only reads. The tools that change a cluster require --allow-writes.

    \b
    Examples:
      fluxdoctor mcp                                        over stdio, as a client starts it
      fluxdoctor mcp --from incident.tgz                    from a snapshot, without a cluster
      fluxdoctor mcp --transport http --token-file token    at http://127.0.0.1:8371/mcp
    """
    if arguments.snapshot and arguments.writes:
        raise click.UsageError("--allow-writes cannot be used with --from: a snapshot cannot be changed")
    if arguments.namespaces and not arguments.writes:
        raise click.UsageError("--namespaces requires --allow-writes")
    from fluxdoctor.mcp.front import front
    from fluxdoctor.rule import RuleError

    try:
        server = front(_settings(arguments, listen))
    except RuleError as error:
        stop(str(error))
    gc.freeze()  # what was imported stays
    gc.enable()  # this command runs for days
    try:
        if listen.transport == "stdio":
            _serve_stdio(server)
        else:
            _serve_http(server, listen)
    finally:
        server.close()


def _serve_stdio(server: FrontServer) -> None:
    from fluxdoctor.mcp import stdio

    def end(number: int, _: FrameType | None) -> None:
        """End at a signal: the thread that waits for the client's next line cannot be cancelled, but running calls can."""
        threading.Thread(target=_leave, args=(server, 128 + number)).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    stdio.serve(server)


def _leave(server: FrontServer, code: int) -> NoReturn:
    server.close()
    os._exit(code)


def _serve_http(server: FrontServer, listen: ListenArguments) -> None:
    from fluxdoctor.mcp import http

    token_file = listen.token_file
    try:
        token = token_file.read_text("utf-8").strip() if token_file else ""
        if token_file and not token:
            stop(f"{token_file}: the token file is empty")
        address = http.ListenAddress(listen.host, listen.port, token, listen.hosts)
        http.serve(server, address, lambda url: click.echo(f"fluxdoctor mcp: {url}", err=True), server.close)
    except UnicodeDecodeError:
        stop(f"{token_file}: the token file is not a text file")
    except (OSError, http.HttpError) as error:
        stop(str(error))


def _settings(arguments: ServerArguments, listen: ListenArguments) -> ServerSettings:
    from fluxdoctor.collect.kube.login import ClusterLogin
    from fluxdoctor.collect.live import Probing
    from fluxdoctor.mcp.settings import ServerSettings

    contexts = arguments.contexts
    return ServerSettings(
        login=ClusterLogin(arguments.kubeconfig, contexts[0] if contexts else ""), contexts=contexts,
        snapshot=arguments.snapshot, roots=tuple(root.resolve() for root in arguments.roots), writes=arguments.writes,
        namespaces=tuple(filter(None, (name.strip() for name in arguments.namespaces.split(",")))),
        tokens=arguments.max_tokens, fresh=arguments.fresh, timeout=arguments.timeout,
        probing=Probing(arguments.probing), allow_local=arguments.allow_local,
        cache=inputs.cache_folder(disabled=arguments.no_cache), workers=arguments.workers, memory=arguments.memory,
        idle=listen.idle,
    )  # fmt: skip
