"""The findings as cards, the first to fix first, with what search and filters need to know of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from fluxdoctor.model.chain import Chain
from fluxdoctor.model.finding import Evidence, Finding, Frozen, Report, Severity
from fluxdoctor.model.resource import Ref
from fluxdoctor.report.html import filters
from fluxdoctor.report.html.tags import Markup, join, tag

#: What is listed of one finding: a page of a fleet stays light. JSON has all.
_MOST = 300
#: So many names are shown at once; more are folded.
_OPEN = 12
_QUOTED = 4_000
_SURE = {
    "proven": "the facts that were read show it",
    "reported": "the controller's own message says it",
    "likely": "inferred from what was seen",
}


def ids(report: Report) -> list[str]:
    """Return where each finding stands in the page, by its fingerprint."""
    seen: Counter[str] = Counter()
    found = []
    for finding in report.findings:
        seen[finding.fingerprint] += 1
        again = seen[finding.fingerprint]
        found.append(f"finding-{finding.fingerprint}" + (f"-{again}" if again > 1 else ""))
    return found


def section(report: Report, nodes: dict[Ref, int]) -> Markup:
    """Return the section: filters, causes and warnings, and the notes folded away. ``nodes``: places in the graph."""
    cards: dict[bool, list[Markup]] = {False: [], True: []}
    for number, (finding, name) in enumerate(zip(report.findings, ids(report), strict=True), 1):
        cards[finding.severity is Severity.INFO].append(_card(number, finding, name, nodes.get(finding.subject)))
    notes = tag(
        "details",
        tag("summary", f"{len(cards[True])} {'note' if len(cards[True]) == 1 else 'notes'}"),
        tag("ol", *cards[True], class_="findings"),
        id="notes",
    )
    return tag(
        "section",
        tag("h2", "Findings", id="findings-title"),
        filters.form(report) if report.findings else tag("p", "No rule found anything."),
        tag("ol", *cards[False], class_="findings") if cards[False] else Markup(""),
        notes if cards[True] else Markup(""),
        id="findings",
        aria_labelledby="findings-title",
        tabindex="-1",
    )


def _card(number: int, finding: Finding, name: str, node: int | None) -> Markup:
    severity = "note" if finding.severity is Severity.INFO else finding.severity.value
    rule = tag("a", finding.rule, href=finding.url, rel="noreferrer") if finding.url else tag("span", finding.rule)
    head = tag(
        "p",
        tag("span", severity, class_=f"badge {finding.severity.value}"),
        tag("span", rule, class_="rule"),
        tag("span", finding.confidence.value, class_="sure", title=_SURE[finding.confidence.value]),
        tag("a", f"#{number}", href=f"#{name}", class_="anchor", aria_label=f"Link to finding {number}"),
        class_="head",
    )
    shown = (
        tag("a", "Show it in the graph", href=f"#node-{node}", class_="to-graph") if node is not None else Markup("")
    )
    card = tag(
        "article",
        head,
        tag("h3", *_name(finding.subject), id=f"{name}-title"),
        tag("p", finding.message, class_="message"),
        tag("dl", *_rows(finding)),
        shown,
        aria_labelledby=f"{name}-title",
    )
    about = filters.about(finding)
    return tag(
        "li", card, id=name, class_=f"finding {finding.severity.value}", tabindex="-1",
        data_severity=finding.severity.value, data_rule=finding.rule, data_namespaces=" ".join(about),
        data_clusters="\n".join(finding.clusters) if finding.clusters else False,
    )  # fmt: skip


def _rows(finding: Finding) -> Iterator[Markup]:
    yield _row("Fix", tag("p", finding.fix), class_="fix")
    if finding.location or finding.field:
        at = tag("code", str(finding.location)) if finding.location else Markup("")
        field = tag("code", finding.field) if finding.field else Markup("")
        yield _row("In git" if finding.location else "Field", tag("p", at, " " if at and field else "", field))
    if finding.evidence:
        yield _row("Proof", _proof(finding.evidence))
    if finding.clusters:
        yield _row("Clusters", _list([(c, "") for c in finding.clusters]))
    if finding.also:
        yield _row("Also", _list(_refs(finding.also)))
    if finding.blocks:
        yield _row(f"Blocks {len(finding.blocks)}", _list(_refs(finding.blocks)))
    if finding.freezes:
        yield _row(f"Stale {len(finding.freezes)}", _list([_frozen(f) for f in finding.freezes]))


def _row(name: str, inside: Markup, *, class_: str = "") -> Markup:
    return tag("div", tag("dt", name), tag("dd", inside), class_=class_ or False)


def _proof(evidence: Iterable[Evidence]) -> Markup:
    return tag(
        "ul",
        *(
            tag("li", tag("q", _cut(proof.what)), tag("cite", proof.where) if proof.where else Markup(""))
            for proof in evidence
        ),
        class_="proof",
    )


def _cut(said: str) -> str:
    return said if len(said) <= _QUOTED else f"{said[:_QUOTED]} ..."


def _refs(refs: Iterable[Ref]) -> list[tuple[str, str]]:
    return [(f"{ref.kind} {ref.named}", "") for ref in refs]


def _frozen(frozen: Frozen) -> tuple[str, str]:
    at = f"at {frozen.revision}" if frozen.revision else ""
    since = frozen.since.strftime("since %Y-%m-%d %H:%M:%SZ") if frozen.since else ""
    return f"{frozen.ref.kind} {frozen.ref.named}", " ".join(p for p in (at, since) if p)


def _list(names: Sequence[tuple[str, str]]) -> Markup:
    """The names, each with what is said of it; many are folded."""
    rows = [tag("li", tag("code", name), f" {more}" if more else "") for name, more in names[:_MOST]]
    if len(names) > _MOST:
        rows.append(tag("li", f"and {len(names) - _MOST} more: the JSON report has them all"))
    if len(names) <= _OPEN:
        return tag("ul", *rows, class_="names")
    return tag("details", tag("summary", f"{len(names)} names"), tag("ul", *rows, class_="names"))


def _name(ref: Ref) -> tuple[Markup, Markup]:
    return tag("span", ref.kind, class_="kind"), join(" ", tag("span", ref.named, class_="name"))


def chains(target: Ref, found: Sequence[Chain]) -> Markup:
    """Return the section of the object that was asked about: each way to a cause, link by link, each with its proof."""
    title = tag("h2", f"Why {target.kind} {target.named} is held back", id="chain-title")
    if not found:
        return tag("section", title, tag("p", "Nothing holds it back."), id="chain", aria_labelledby="chain-title")
    return tag("section", title, *map(_chain, found), id="chain", aria_labelledby="chain-title")


def _chain(chain: Chain) -> Markup:
    steps, before = [], ""
    for link in chain.links:
        why = tag("span", before, class_="soft") if before else Markup("")
        steps.append(tag("li", why, tag("p", *_name(link.ref)), _proof(link.proof) if link.proof else Markup("")))
        before = link.why
    return tag("ol", *steps, class_="chain")
