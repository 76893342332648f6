"""The text report: cluster text is data, and nothing is cut without a word."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fluxdoctor.model.finding import Confidence, Evidence, Finding, Frozen, Report, Severity, Skipped
from fluxdoctor.model.resource import Location, Ref
from fluxdoctor.report import json, text
from fluxdoctor.report.plain import plain

APPS = Ref("Kustomization", "flux-system", "apps")


def report(*findings: Finding, skipped: tuple[Skipped, ...] = ()) -> Report:
    taken = datetime(2026, 1, 1, 12, tzinfo=UTC)
    return Report(
        "replay", taken, findings, skipped, 61, 4, 9, {"flux": "v2.9.4"}, "prod-eu", {"load": 0.7, "diagnose": 0.2}
    )


def finding(**more: object) -> Finding:
    base: dict[str, object] = {
        "rule": "kustomize/path-not-found", "severity": Severity.ERROR, "confidence": Confidence.PROVEN, "subject": APPS,
        "message": "spec.path ./prodution is not in the artifact", "fix": "Set spec.path to ./production.",
    }  # fmt: skip
    return Finding(**{**base, **more})  # type: ignore[arg-type]


def test_the_whole_report() -> None:
    whole = finding(
        evidence=(
            Evidence.condition('ArtifactFailed: "not found"', f"{APPS} condition Ready=False"),
            Evidence.time("for 2h13m", f"{APPS} lastTransitionTime"),
            Evidence.field("lists it", "Kustomization/flux-system/b status.inventory"),
        ),
        location=Location("clusters/apps.yaml", 12, 3),
        field="spec.path",
        also=(Ref("Kustomization", "flux-system", "b"),),
        blocks=tuple(Ref("HelmRelease", "shop", f"web{i}") for i in range(8)),
        freezes=(Frozen(Ref("HelmRelease", "shop", "old"), "6.5.0"),),
    )
    assert (
        text.render(report(whole, finding(severity=Severity.INFO, rule="flux/in-progress")), width=100)
        == """\
prod-eu   Flux 2.9.4   61 objects   4 not ready   1 root cause     taken 2026-01-01 12:00:00Z, 0.9 s

 1  ERROR    kustomize/path-not-found                                                         proven
    Kustomization/flux-system/apps: spec.path ./prodution is not in the artifact
    Proof   ArtifactFailed: "not found"
            for 2h13m
            lists it  (Kustomization/flux-system/b status.inventory)
    Fix     Set spec.path to ./production.
    In git  clusters/apps.yaml:12  spec.path
    Also    1: Kustomization/flux-system/b
    Blocks  8: HelmRelease/shop/web0, HelmRelease/shop/web1, HelmRelease/shop/web2,
            HelmRelease/shop/web3, HelmRelease/shop/web4, HelmRelease/shop/web5 and 2 more
    Stale   1: HelmRelease/shop/old at 6.5.0

1 note not shown (flux/in-progress): --verbose shows them
"""
    )


def test_what_was_not_checked() -> None:
    skipped = (
        Skipped("", None, "Secret/apps: forbidden"),
        Skipped("source/secret-missing", APPS, "Secret/apps/x was not read"),
        Skipped("helm/chart-missing", None, "no Helm repository index was fetched", asked=False),
    )
    assert text.render(report(skipped=skipped), width=110).splitlines()[1:] == [
        "",
        "Not checked: Secret/apps: forbidden",
        "             Kustomization/flux-system/apps: Secret/apps/x was not read (not checked by source/secret-missing)",
        "",
        "1 rule skipped: no Helm repository index was fetched",
    ]


def test_many_findings_are_bounded_and_counted() -> None:
    many = report(*(finding(subject=Ref("Kustomization", "apps", f"k{i}")) for i in range(100)))
    lines = text.render(many, width=110).splitlines()
    assert sum("ERROR" in line for line in lines) == 40
    assert "and 60 more findings: --verbose shows them, --format json has them all" in lines
    assert sum("ERROR" in line for line in text.render(many, width=110, verbose=True).splitlines()) == 100


HOSTILE = "\x1b[31mred\x1b[0m \x07\u202egnirts\u2066 [bold]x[/bold] :smile: \ud800 \u2028 a\tb"


def test_cluster_text_cannot_act_on_the_terminal() -> None:
    rendered = text.render(
        report(finding(message=HOSTILE, evidence=(Evidence.field(HOSTILE),))), width=200, verbose=True
    )
    wanted = "\\x1b[31mred\\x1b[0m \\x07\\u202egnirts\\u2066 [bold]x[/bold] :smile: \\ud800 \\u2028 a b"
    assert rendered.count(wanted) == 2
    assert [c for c in rendered if c != "\n" and not c.isprintable()] == []
    assert json.render(report(finding(message=HOSTILE))).isascii()


def test_plain_leaves_words_of_all_languages() -> None:
    for words in ("Grüße", "日本語", "نص", "naïve — “quoted” …"):
        assert plain(words) == words


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (100, ["clusters/production/eu-west/apps.yaml:12  spec.path"]),
        (52, ["clusters/production/eu-west/apps.yaml:12", "spec.path"]),
        (40, ["clusters/production/eu-west/", "apps.yaml:12  spec.path"]),
    ],
)
def test_a_place_is_broken_at_a_slash_and_never_inside_of_its_line_number(width: int, shown: list[str]) -> None:
    there = finding(location=Location("clusters/production/eu-west/apps.yaml", 12, 3), field="spec.path")
    rows = [line[12:] for line in text.render(report(there), width=width).splitlines()]
    first = next(i for i, row in enumerate(rows) if row.startswith("clusters/"))
    assert rows[first : first + len(shown)] == shown
