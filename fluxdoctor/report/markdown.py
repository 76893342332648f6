"""Report -> Markdown, for a comment on a pull request or an incident's channel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fluxdoctor.model.chain import Chain
from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.model.resource import Ref
from fluxdoctor.report import ignored, state
from fluxdoctor.report.context import NONE, Context
from fluxdoctor.report.plain import plain

#: Comments are cut off at 65,536 characters on GitHub: findings past these are counted.
_MOST = 40
_NAMED = 12
_QUOTED = 900
_MARK = re.compile(r"([\\`*_{}\[\]()#+!|~^$-])")


def render(report: Report, context: Context = NONE) -> str:
    """Return the findings, worst first, proof folded away; text of the cluster can be neither markup, link nor mention.

    Where one object was asked about, the ways to its causes come first.
    """
    counts = [(s, sum(f.severity is s for f in report.findings)) for s in Severity]
    said = ", ".join(f"{n} {s.value}{'' if n == 1 else 's'}" for s, n in counts if n and s is not Severity.INFO)
    lines = [f"## fluxdoctor: {escape(report.name or report.mode)}", ""]
    counted = f"{report.objects} objects, {report.not_ready} {state.failing(report)}"
    lines += [f"**{said or state.verdict(report)}** in {counted}", ""]
    if context.target:
        lines += _chains(context.target, context.chains(report)[:_MOST])
    for number, finding in enumerate(report.findings[:_MOST], 1):
        lines += _finding(number, finding)
    if len(report.findings) > _MOST:
        lines += [f"and {len(report.findings) - _MOST} more findings", ""]
    unseen = list(dict.fromkeys(s.why for s in report.skipped if s.asked))
    notes = [f"Not checked: {escape(why)}" for why in unseen]
    lines += [f"- {note}" for note in notes]
    if report.ignored:
        lines += ["", f"<details><summary>{ignored.counted(report)}</summary>", ""]
        lines += [*(f"- {escape(line)}" for line in list(ignored.lines(report))[:_MOST]), "", "</details>"]
    elif report.deselected:
        lines += ["", ignored.counted(report)]
    return "\n".join(lines).rstrip() + "\n"


def _chains(target: Ref, found: Sequence[Chain]) -> Iterable[str]:
    name = _code(f"{target.kind} {target.named}")
    yield f"**{name} is held back by**" if found else f"**Nothing holds {name} back**"
    yield ""
    for chain in found:
        before = ""
        for number, link in enumerate(chain.links, 1):
            yield f"{number}. {escape(before)}{': ' if before else ''}{_code(f'{link.ref.kind} {link.ref.named}')}"
            yield from (f"   - {_quoted(proof.what)}" for proof in link.proof)
            before = link.why
        yield ""


def escape(text: str) -> str:
    """Return text that Markdown shows as it is: marks, tags, links, mentions and references to issues are undone."""
    safe = plain(text).replace("\n", " ").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = _MARK.sub(r"\\\1", safe)
    # A mention or a link is looked for in the text between tags: an empty comment ends that text.
    return re.sub(r"(@|\\#|:(?=//)|\bwww(?=\.))", r"\1<!-- -->", safe, flags=re.I)


def _code(text: str) -> str:
    flat = plain(text).replace("\n", " ")
    fence = "`" * (max((len(run) for run in re.findall(r"`+", flat)), default=0) + 1)
    return f"{fence} {flat} {fence}" if "`" in flat else f"`{flat}`"


def _finding(number: int, finding: Finding) -> Iterable[str]:
    rule = f"[{finding.rule}]({finding.url})" if finding.url else escape(finding.rule)
    yield f"### {number}. {finding.severity.value.upper()} {rule} ({finding.confidence})"
    yield ""
    yield f"{_code(f'{finding.subject.kind} {finding.subject.named}')}: {escape(finding.message)}"
    yield ""
    yield f"- **Fix**: {escape(finding.fix)}"
    if finding.location:
        yield f"- **In git**: {_code(str(finding.location))} {_code(finding.field) if finding.field else ''}".rstrip()
    if finding.clusters:
        yield f"- **Clusters**: {', '.join(_code(c) for c in finding.clusters[:_NAMED])}{_more(finding.clusters)}"
    if finding.also:
        yield f"- **Also**: {_refs(finding.also)}"
    if finding.blocks:
        yield f"- **Blocks** {len(finding.blocks)}: {_refs(finding.blocks)}"
    if finding.freezes:
        yield f"- **Stale** {len(finding.freezes)}: {_refs([f.ref for f in finding.freezes])}"
    if finding.evidence:
        yield ""
        yield "<details><summary>Proof</summary>"
        yield ""
        for proof in finding.evidence:
            yield f"- {_quoted(proof.what)}" + (f" ({_code(proof.where)})" if proof.where else "")
        yield ""
        yield "</details>"
    yield ""


def _quoted(said: str) -> str:
    return _code(said if len(said) <= _QUOTED else f"{said[:_QUOTED]} ...")


def _refs(refs: Sequence[Ref]) -> str:
    return ", ".join(_code(f"{r.kind} {r.named}") for r in refs[:_NAMED]) + _more(refs)


def _more(things: Sequence[object]) -> str:
    return f" and {len(things) - _NAMED} more" if len(things) > _NAMED else ""
