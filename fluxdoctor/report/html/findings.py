"""Renders the findings as cards, in the order in which to fix them, with the data for search and filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from fluxdoctor.model.chain import Chain
from fluxdoctor.model.finding import Evidence, Finding, Frozen, Report, Severity
from fluxdoctor.model.resource import Ref
from fluxdoctor.report.html import filters
from fluxdoctor.report.html.tags import Markup, tag

#: Names in one list of a finding: the page of a fleet must stay small. JSON has all.
_MAX_NAMES = 300
#: A longer list of names is folded.
_MAX_OPEN = 12
#: Characters of one proof.
_MAX_QUOTE = 4_000
_CONFIDENCE = {
    "proven": "proven by the facts that were read",
    "reported": "reported by the controller's own message",
    "likely": "inferred from the facts that were read",
}


def ids(report: Report) -> list[str]:
    """Return the HTML id of each finding, made of its fingerprint."""
    counts: Counter[str] = Counter()
    names = []
    for finding in report.findings:
        counts[finding.fingerprint] += 1
        number = counts[finding.fingerprint]
        names.append(f"finding-{finding.fingerprint}" + (f"-{number}" if number > 1 else ""))
    return names


def section(report: Report, nodes: dict[Ref, int]) -> Markup:
    """Return the section: filters, errors and warnings, and the notes folded. ``nodes``: indexes in the graph."""
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
        filters.form(report) if report.findings else tag("p", "No findings."),
        tag("ol", *cards[False], class_="findings") if cards[False] else Markup(""),
        notes if cards[True] else Markup(""),
        id="findings",
        aria_labelledby="findings-title",
        tabindex="-1",
    )


def _card(number: int, finding: Finding, name: str, node: int | None) -> Markup:
    """Return the card of a finding. ``name``: its HTML id. ``node``: its index in the graph, if it is drawn."""
    severity = "note" if finding.severity is Severity.INFO else finding.severity.value
    rule = tag("a", finding.rule, href=finding.url, rel="noreferrer") if finding.url else tag("span", finding.rule)
    head = tag(
        "p",
        tag("span", severity, class_=f"badge {finding.severity.value}"),
        tag("span", rule, class_="rule"),
        tag("span", finding.confidence.value, class_="sure", title=_CONFIDENCE[finding.confidence.value]),
        tag("a", f"#{number}", href=f"#{name}", class_="anchor", aria_label=f"Link to finding {number}"),
        class_="head",
    )
    link = Markup("") if node is None else tag("a", "Show in the graph", href=f"#node-{node}", class_="to-graph")
    card = tag(
        "article",
        head,
        tag("h3", *_name(finding.subject), id=f"{name}-title"),
        tag("p", finding.message, class_="message"),
        tag("dl", *_rows(finding)),
        link,
        aria_labelledby=f"{name}-title",
    )
    namespaces = filters.namespaces(finding)
    return tag(
        "li", card, id=name, class_=f"finding {finding.severity.value}", tabindex="-1",
        data_severity=finding.severity.value, data_rule=finding.rule, data_namespaces=" ".join(namespaces),
        data_clusters="\n".join(finding.clusters) if finding.clusters else False,
    )  # fmt: skip


def _rows(finding: Finding) -> Iterator[Markup]:
    """Yield the rows of a card: fix, place in Git, proof and the other objects."""
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


def _row(name: str, content: Markup, *, class_: str = "") -> Markup:
    return tag("div", tag("dt", name), tag("dd", content), class_=class_ or False)


def _proof(evidence: Iterable[Evidence]) -> Markup:
    return tag(
        "ul",
        *(
            tag("li", tag("q", _cut(proof.what)), tag("cite", proof.where) if proof.where else Markup(""))
            for proof in evidence
        ),
        class_="proof",
    )


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]} ..."


def _refs(refs: Iterable[Ref]) -> list[tuple[str, str]]:
    return [(str(ref), "") for ref in refs]


def _frozen(frozen: Frozen) -> tuple[str, str]:
    """Return a stale object and what it serves since when."""
    at = f"at {frozen.revision}" if frozen.revision else ""
    since = frozen.since.strftime("since %Y-%m-%d %H:%M:%SZ") if frozen.since else ""
    return str(frozen.ref), " ".join(p for p in (at, since) if p)


def _list(names: Sequence[tuple[str, str]]) -> Markup:
    """Return the names, each with its note; a long list is folded."""
    rows = [tag("li", tag("code", name), f" {note}" if note else "") for name, note in names[:_MAX_NAMES]]
    if len(names) > _MAX_NAMES:
        rows.append(tag("li", f"and {len(names) - _MAX_NAMES} more: the JSON report has them all"))
    if len(names) <= _MAX_OPEN:
        return tag("ul", *rows, class_="names")
    return tag("details", tag("summary", f"{len(names)} names"), tag("ul", *rows, class_="names"))


def _name(ref: Ref) -> tuple[Markup, Markup]:
    """Return ``Kind/namespace/name`` with the kind set apart from the name."""
    return tag("span", f"{ref.kind}/", class_="kind"), tag("span", ref.named, class_="name")


def chains(target: Ref, chains_: Sequence[Chain], no_finding: str) -> Markup:
    """Return the section of a diagnosis of one object: each chain to a root cause, link by link with its proof.

    ``no_finding``: what to say without a chain.
    """
    title = tag("h2", f"Findings that affect {target}", id="chain-title")
    rows = [_chain(chain) for chain in chains_] or [tag("p", f"{target}: {no_finding}")]
    return tag("section", title, *rows, id="chain", aria_labelledby="chain-title")


def _chain(chain: Chain) -> Markup:
    steps, relation = [], ""
    for link in chain.links:
        why = tag("span", relation, class_="soft") if relation else Markup("")
        steps.append(tag("li", why, tag("p", *_name(link.ref)), _proof(link.proof) if link.proof else Markup("")))
        relation = link.why
    return tag("ol", *steps, class_="chain")
