"""Report -> one self-contained HTML page, which works offline, printed and without JavaScript.

Text of a cluster is escaped when it is written (``tags``). The page's Content Security Policy allows only its own script and
style, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from fluxdoctor._version import __version__
from fluxdoctor.model.finding import Report
from fluxdoctor.report import ignored
from fluxdoctor.report.context import NONE, Context
from fluxdoctor.report.html import findings, graph, summary, unseen
from fluxdoctor.report.html.tags import Markup, tag


def render(report: Report, context: Context = NONE) -> str:
    """Return the page: the summary, the findings with proof and fix, the graph of a cluster, and the gaps."""
    style, script = _file("page.css"), _file("page.js")
    drawing = graph.picture(report, context.snapshot) if context.snapshot and context.target is None else None
    picture, marked = drawing or (None, 0)
    sections = [
        findings.chains(context.target, context.chains(report), ignored.no_finding(report, is_ready=context.is_ready))
        if context.target
        else Markup(""),
        findings.section(report, graph.nodes(report, picture) if picture else {}),
        graph.section(report, picture, marked) if picture else Markup(""),
        unseen.section(report),
    ]
    title = f"{report.name or report.mode}: {summary.headline(report)}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content=f"fluxdoctor {__version__}"),
        tag("title", title),
        tag("style", style),
    )
    body = tag(
        "body",
        tag("a", "Skip to the findings", class_="skip", href="#findings"),
        summary.header(report, picture),
        tag("main", *sections),
        _footer(report),
        tag("script", script),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _footer(report: Report) -> Markup:
    seconds = sum(report.timings.values())
    duration = f" in {seconds:.1f} s" if seconds else ""
    text = (
        f"fluxdoctor {__version__} checked {report.objects} objects with {report.rules} rules{duration}. "
        "This page needs no network, sends no data and contains no value of a Secret."
    )
    return tag("footer", tag("p", text))


def _file(name: str) -> Markup:
    return Markup(resources.files(__name__).joinpath(name).read_text("utf-8"))


def _policy(style: str, script: str) -> str:
    """Return a policy that allows only the two texts with these hashes (W3C, Content Security Policy Level 3)."""
    return f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
