"""Report -> Markdown, for a comment on a pull request or the channel of an incident."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fluxdoctor.model.chain import Chain
from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.model.resource import Ref
from fluxdoctor.report import ignored, state
from fluxdoctor.report.context import NONE, Context
from fluxdoctor.report.plain import plain

#: GitHub limits a comment to 65,536 characters: further findings are only counted.
_MAX_FINDINGS = 40
_MAX_NAMES = 12
#: Characters of one proof.
_MAX_QUOTE = 900
_MARK = re.compile(r"([\\`*_{}\[\]()#+!|~^$-])")


def render(report: Report, context: Context = NONE) -> str:
    """Return the findings, worst first, with folded proof; text of the cluster cannot be markup, a link or a mention.

    A diagnosis of one object begins with the chains to its root causes.
    """
    counts = [(s, sum(f.severity is s for f in report.findings)) for s in Severity]
    severities = ", ".join(f"{n} {s.value}{'' if n == 1 else 's'}" for s, n in counts if n and s is not Severity.INFO)
    lines = [f"## fluxdoctor: {escape(report.name or report.mode)}", ""]
    objects = f"{report.objects} objects, {report.not_ready} {state.failing(report)}"
    lines += [f"**{severities or state.verdict(report)}** in {objects}", ""]
    if context.target:
        lines += _chains(
            context.target,
            context.chains(report)[:_MAX_FINDINGS],
            ignored.no_finding(report, is_ready=context.is_ready),
        )
    for number, finding in enumerate(report.findings[:_MAX_FINDINGS], 1):
        lines += _finding(number, finding)
    if len(report.findings) > _MAX_FINDINGS:
        lines += [f"and {len(report.findings) - _MAX_FINDINGS} more findings", ""]
    gaps = dict.fromkeys(s.why for s in report.skipped if s.asked)
    lines += [f"- Not checked: {escape(why)}" for why in gaps]
    if report.ignored:
        lines += ["", f"<details><summary>{ignored.counted(report)}</summary>", ""]
        lines += [*(f"- {escape(line)}" for line in list(ignored.lines(report))[:_MAX_FINDINGS]), "", "</details>"]
    elif report.deselected:
        lines += ["", ignored.counted(report)]
    return "\n".join(lines).rstrip() + "\n"


def _chains(target: Ref, chains: Sequence[Chain], no_finding: str) -> Iterable[str]:
    """Yield the lines of the chains from an object to its root causes, one numbered list each."""
    name = _code(str(target))
    yield f"**{name} is affected by**" if chains else f"**{name}: {escape(no_finding)}**"
    yield ""
    for chain in chains:
        relation = ""
        for number, link in enumerate(chain.links, 1):
            yield f"{number}. {escape(relation)}{': ' if relation else ''}{_code(str(link.ref))}"
            yield from (f"   - {_quote(proof.what)}" for proof in link.proof)
            relation = link.why
        yield ""


def escape(text: str) -> str:
    """Return text that Markdown shows as it is: marks, tags, links, mentions and references to issues have no effect."""
    safe = plain(text).replace("\n", " ").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = _MARK.sub(r"\\\1", safe)
    # GitHub looks for mentions and links in the text between tags: an empty comment ends that text.
    return re.sub(r"(@|\\#|:(?=//)|\bwww(?=\.))", r"\1<!-- -->", safe, flags=re.I)


def _code(text: str) -> str:
    """Return text as inline code; the fence is longer than any run of backticks in it."""
    flat = plain(text).replace("\n", " ")
    fence = "`" * (max((len(run) for run in re.findall(r"`+", flat)), default=0) + 1)
    return f"{fence} {flat} {fence}" if "`" in flat else f"`{flat}`"


def _finding(number: int, finding: Finding) -> Iterable[str]:
    """Yield the lines of a finding."""
    rule = f"[{finding.rule}]({finding.url})" if finding.url else escape(finding.rule)
    yield f"### {number}. {finding.severity.value.upper()} {rule} ({finding.confidence})"
    yield ""
    yield f"{_code(str(finding.subject))}: {escape(finding.message)}"
    yield ""
    yield f"- **Fix**: {escape(finding.fix)}"
    if finding.location:
        yield f"- **In git**: {_code(str(finding.location))} {_code(finding.field) if finding.field else ''}".rstrip()
    if finding.clusters:
        yield f"- **Clusters**: {', '.join(_code(c) for c in finding.clusters[:_MAX_NAMES])}{_more(finding.clusters)}"
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
            yield f"- {_quote(proof.what)}" + (f" ({_code(proof.where)})" if proof.where else "")
        yield ""
        yield "</details>"
    yield ""


def _quote(text: str) -> str:
    return _code(text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]} ...")


def _refs(refs: Sequence[Ref]) -> str:
    return ", ".join(_code(str(ref)) for ref in refs[:_MAX_NAMES]) + _more(refs)


def _more(things: Sequence[object]) -> str:
    return f" and {len(things) - _MAX_NAMES} more" if len(things) > _MAX_NAMES else ""
