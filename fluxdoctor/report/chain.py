"""Renders the chains from one object to its root causes as text."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from fluxdoctor.model.chain import Chain, Link
from fluxdoctor.model.resource import Ref
from fluxdoctor.report.plain import lines, plain


def render(target: Ref, chains: Sequence[Chain], *, width: int, color: bool, no_finding: str) -> str:
    """Return the chains as text: one object per step with its proof below it. The findings themselves are in the report.

    ``no_finding``: what to say without a chain.
    """
    console = Console(
        file=io.StringIO(),
        width=width,
        color_system="standard" if color else None,
        force_terminal=color,
        highlight=False,
    )
    if not chains:
        console.print(Text(f"{_name(target)}: {no_finding}", "bold"))
    for i, chain in enumerate(chains):
        if i:
            console.print()
        for depth, link in enumerate(chain.links):
            _link(console, depth, link, chain)
    file = console.file
    assert isinstance(file, io.StringIO)  # noqa: S101 - set above
    return lines(file.getvalue())


def _link(console: Console, depth: int, link: Link, chain: Chain) -> None:
    """Print one step of a chain; the last one names the finding."""
    indent = 3 * depth
    relation = chain.links[depth - 1].why if depth else ""
    is_last = depth == len(chain.links) - 1
    line = Text(f"└─ {relation}: " if depth else "", "dim").append(_name(link.ref), "bold red" if is_last else "bold")
    if is_last:
        line.append(f"  {chain.finding.rule}", "bold").append(f", {chain.finding.confidence}", "dim")
    console.print(Padding(line, (0, 0, 0, max(0, indent - 3))))
    if is_last:
        console.print(Padding(Text(plain(chain.finding.message)), (0, 0, 0, indent + 3)))
    for proof in link.proof:
        console.print(Padding(Text(plain(proof.what), "dim"), (0, 0, 0, indent + 3)))


def _name(ref: Ref) -> str:
    return plain(str(ref))
