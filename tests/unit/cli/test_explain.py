"""A rule's page in a terminal: any width, any encoding, and the ids that were meant."""

from __future__ import annotations

import pytest

from fluxdoctor.report import page
from fluxdoctor.rule import parse_page
from tests.helpers.program import run
from tests.helpers.worlds import rules

RULES = rules().rules


def test_a_page() -> None:
    assert (
        run("explain", "helm/chart-version-missing", COLUMNS="80").stdout
        == """\
helm/chart-version-missing  error

Chart version not published

No version in the index satisfies spec.chart.spec.version. Either the version
was never published, it was removed, or the range does not mean what it seems to
mean. The rules are those of Masterminds semver:

 - a range includes prereleases only if it has one itself (>=2.0.0-0);
 - a leading v makes no difference;
 - numbers must not have leading zeros;
 - 1.2 and 1.x are ranges.

In an OCI registry the + of a version is a _ in the tag.

The HelmChart is stalled until its spec or the index changes. An installed
release keeps running.

By hand:

    curl -s URL/index.yaml | yq '.entries.CHART[].version'

Fix: Either set spec.chart.spec.version to a version that is offered, or publish
<wanted>.
Field: spec.chart.spec.version
Kinds: HelmChart, HelmRelease
Facts: ChartIndexes, Cluster, OciTags
Modes: live, replay, check
Examples: fluxdoctor explain --raw helm/chart-version-missing
Page: https://github.com/fluxdoctor/fluxdoctor/blob/main/rules/fluxdoctor_rules/helm/chart-version-missing.md
"""
    )


@pytest.mark.parametrize("width", [40, 80])
def test_only_what_is_copied_is_wider_than_the_terminal(width: int) -> None:
    lines = [(r.id, line) for r in RULES for line in page.render(r, width=width, color=False).splitlines()]
    wide = [(i, line) for i, line in lines if len(line) > width and " " in line.strip()]
    assert [(i, line) for i, line in wide if not line.startswith(("    ", "Examples: ", "Page: "))] == []


def test_every_page_can_be_written_in_ascii_but_for_its_own_words() -> None:
    text = "---\nseverity: info\nsummary: A page\nmessage: m\nfix: Do it.\n---\n# A page\n\n* one\n* two\n\n1. first\n"
    shown = page.render(parse_page(text, "acme/page", "page.md", pack="acme-rules"), width=40, color=False)
    assert (
        shown
        == """\
acme/page  info

A page

 - one
 - two

 1 first

Fix: Do it.
Modes: live, replay
Pack: acme-rules
"""
    )


def test_colours_are_those_of_the_terminal() -> None:
    done = run("explain", "kustomize/path-not-found", FORCE_COLOR="1")
    assert done.stdout.startswith("\x1b[1mkustomize/path-not-found\x1b[0m  \x1b[1;31merror\x1b[0m\n")


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("chart-version-missing", "helm/chart-version-missing"),
        ("helm/chart-versoin-missing", "helm/chart-version-missing"),
        ("path not found", "kustomize/path-not-found"),
        ("Kustomize/Path-Not-Found", "kustomize/path-not-found"),
    ],
)
def test_the_ids_that_were_meant(said: str, first: str) -> None:
    assert page.near(said, RULES)[0] == first


def test_nothing_alike() -> None:
    done = run("explain", "qqqq")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "fluxdoctor: rule 'qqqq' does not exist (to list all rules, run: fluxdoctor rules)\n"
