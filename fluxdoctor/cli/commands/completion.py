"""`fluxdoctor completion`: the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    Examples:
      fluxdoctor completion bash > ~/.local/share/bash-completion/completions/fluxdoctor
      source <(fluxdoctor completion zsh)
      fluxdoctor completion fish > ~/.config/fish/completions/fluxdoctor.fish
    """
    completer = get_completion_class(shell)
    assert completer  # noqa: S101 - click brings these three
    script = completer(ctx.find_root().command, {}, "fluxdoctor", "_FLUXDOCTOR_COMPLETE")
    # Not script.source(): it runs bash to find its version, and the script may be for another machine.
    click.echo(script.source_template % script.source_vars(), nl=False)
