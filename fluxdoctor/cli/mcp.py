"""`fluxdoctor mcp`: the MCP server, over stdio or HTTP."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fluxdoctor.cli.output import stop, with_options
from fluxdoctor.cli.target import SECONDS

if TYPE_CHECKING:
    from fluxdoctor.mcp.settings import ServerSettings

_PATIENCE = 3.0
_OPTIONS: tuple[Any, ...] = (
    click.option("--transport", type=click.Choice(["stdio", "http"]), default="stdio", show_default=True),
    click.option("--host", default="127.0.0.1", show_default=True, help="Of http: the address to listen on."),
    click.option("--port", type=click.IntRange(0, 65535), default=8371, show_default=True, help="Of http; 0 takes a free one."),
    click.option("--token-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
                 help="Of http: clients must send the bearer token that this file holds."),
    click.option("--allowed-host", "further", metavar="HOST[:PORT]", multiple=True,
                 help="Of http: answer under this Host too, where clients reach it by another name (a proxy, a Service)."),
    click.option("--kubeconfig", metavar="FILE", default="", help="The kubeconfig; $KUBECONFIG or ~/.kube/config else."),
    click.option("--context", "contexts", metavar="NAME", multiple=True,
                 help="A context that clients may name, the first by default. The current one alone, without this."),
    click.option("--from", "snapshot", type=click.Path(path_type=Path, exists=True), metavar="DIR|TGZ",
                 help="Answer from this snapshot, and read no cluster."),
    click.option("--root", "roots", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR", multiple=True,
                 help="Clients may name snapshots and repositories below this folder. None by default."),
    click.option("--allow-writes", "writes", is_flag=True,
                 help="Also offer the tools that reconcile, suspend and resume. They are absent without this."),
    click.option("--namespaces", metavar="NAME,NAME", default="",
                 help="With --allow-writes: change objects of these namespaces only."),
    click.option("--fresh", type=SECONDS, default="60s", show_default=True, help="How long a reading is used again."),
    click.option("--max-tokens", type=click.IntRange(300, 20_000), default=2000, show_default=True,
                 help="About how long an answer is, where a client does not say."),
    click.option("--timeout", type=SECONDS, default="60s", show_default=True, help="A call ends by then, with what it has."),
    click.option("--probe", type=click.Choice(["all", "failing", "none"]), default="all", show_default=True,
                 help="Which sources to ask over the network, from here."),
    click.option("--allow-local", is_flag=True, help="Also contact sources at loopback, link-local and metadata addresses."),
    click.option("--no-cache", is_flag=True, help="Keep nothing in the cache folder, and use nothing of it."),
)  # fmt: skip


@click.command(short_help="For agents: the diagnosis and the Flux tools.")
@with_options(_OPTIONS)
def mcp(transport: str, host: str, port: int, token_file: Path | None, **options: Any) -> None:
    """Serve the diagnosis and the Flux tools to an agent, over the Model Context Protocol.

    It reads; without --allow-writes, it has no tool that changes anything.

    \b
    Examples:
      fluxdoctor mcp                                        over stdio, as a client starts it
      fluxdoctor mcp --from incident.tgz                    of a snapshot: no cluster is read
      fluxdoctor mcp --transport http --token-file token    at http://127.0.0.1:8371/mcp
    """
    if options["snapshot"] and options["writes"]:
        raise click.UsageError("--from replays a snapshot, in which --allow-writes could change nothing")
    if options["namespaces"] and not options["writes"]:
        raise click.UsageError("--namespaces limits what --allow-writes allows; without it nothing is changed")
    from fluxdoctor.mcp.server import build
    from fluxdoctor.rule import RuleError

    try:
        server = build(_settings(options))
    except RuleError as error:
        stop(str(error))
    gc.freeze()  # what was imported stays
    gc.enable()  # this one runs for days
    if transport == "stdio":
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _end)
        server.run("stdio")
        return
    from fluxdoctor.mcp import http

    try:
        token = token_file.read_text("utf-8").strip() if token_file else ""
        if token_file and not token:
            stop(f"{token_file}: the token file is empty")
        at = http.ListenAddress(host, port, token, options["further"])
        http.serve(server, at, lambda url: click.echo(f"fluxdoctor mcp: {url}", err=True))
    except UnicodeDecodeError:
        stop(f"{token_file}: not a text file")
    except (OSError, http.HttpError) as error:
        stop(str(error))


def _end(number: int, _: FrameType | None) -> NoReturn:
    """End at a signal: a thread that waits for the client's next line cannot be called off, what it started can."""
    from fluxdoctor.mcp.execution import call_off

    call_off(_PATIENCE)
    os._exit(128 + number)


def _settings(options: dict[str, Any]) -> ServerSettings:
    from fluxdoctor.cli.target import kept
    from fluxdoctor.collect.kube.login import ClusterLogin
    from fluxdoctor.collect.live import Probing
    from fluxdoctor.mcp.settings import ServerSettings

    contexts = options["contexts"]
    return ServerSettings(
        login=ClusterLogin(options["kubeconfig"], contexts[0] if contexts else ""), contexts=contexts,
        snapshot=options["snapshot"], roots=tuple(root.resolve() for root in options["roots"]),
        writes=options["writes"], namespaces=tuple(filter(None, (n.strip() for n in options["namespaces"].split(",")))),
        tokens=options["max_tokens"], fresh=options["fresh"], timeout=options["timeout"],
        probing=Probing(options["probe"]), allow_local=options["allow_local"],
        cache=kept(unwanted=options["no_cache"]),
    )  # fmt: skip
