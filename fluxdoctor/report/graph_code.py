"""Renders the graph as mermaid, which GitHub and GitLab draw in Markdown, and as dot for Graphviz."""

from __future__ import annotations

from fluxdoctor.report.graph import Mark, Node, Picture

_FILL = {
    Mark.CAUSE: "#d1242f",
    Mark.BLOCKED: "#eaeef2",
    Mark.STALE: "#fff8c5",
    Mark.WAITING: "#ddf4ff",
    Mark.SUSPENDED: "#eaeef2",
    Mark.HEALTHY: "#dafbe1",
}
_TEXT = {Mark.CAUSE: "#ffffff", Mark.BLOCKED: "#8c959f", Mark.SUSPENDED: "#57606a"}
_DASHED = (Mark.STALE, Mark.SUSPENDED)


def mermaid(picture: Picture) -> str:
    """Return a mermaid flowchart. Names are escaped as entities, so that no name can be markup."""
    lines = ["flowchart LR"]
    lines += [f'  n{i}["{_entities(_caption(node))}"]:::{node.mark}' for i, node in enumerate(picture.nodes)]
    lines += [f'  n{a.source} -->|"{_entities(a.why)}"| n{a.target}' for a in picture.arrows]
    for mark, fill in _FILL.items():
        dash = ",stroke-dasharray:4" if mark in _DASHED else ""
        lines.append(f"  classDef {mark} fill:{fill},color:{_TEXT.get(mark, '#1f2328')},stroke:#57606a{dash}")
    return "\n".join(lines) + "\n"


def dot(picture: Picture) -> str:
    """Return a graph for ``dot -Tsvg``."""
    lines = ["digraph flux {", '  rankdir="LR";', '  node [shape="box", style="filled", fontname="sans-serif"];']
    for i, node in enumerate(picture.nodes):
        style = "filled,dashed" if node.mark in _DASHED else "filled,bold" if node.mark is Mark.CAUSE else "filled"
        colors = f'fillcolor="{_FILL[node.mark]}", fontcolor="{_TEXT.get(node.mark, "#1f2328")}"'
        lines.append(
            f'  n{i} [label="{_escape(_caption(node))}", style="{style}", {colors}, tooltip="{_escape(node.note)}"];'
        )
    lines += [f'  n{a.source} -> n{a.target} [label="{_escape(a.why)}"];' for a in picture.arrows]
    return "\n".join([*lines, "}"]) + "\n"


def _caption(node: Node) -> str:
    return f"{node.label}\n{node.rule}" if node.rule else node.label


def _entities(text: str) -> str:
    """Return text with every character that may be markup as an entity."""
    safe = "".join(c if c.isalnum() or c in " ./_-\n" else f"#{ord(c)};" for c in text)
    return safe.replace("\n", "<br/>")


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
