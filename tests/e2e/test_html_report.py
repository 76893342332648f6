"""The HTML report in a real browser: as it is read on a phone and on a desk, by day and by night, printed, and without a mouse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, expect

from benchmarks.fold import SHAPES, fleet
from fluxdoctor import merge
from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.model.finding import Report
from fluxdoctor.report.context import Context
from fluxdoctor.report.formats import render
from tests.e2e import browser as browsers
from tests.e2e import fleet as tenants
from tests.e2e.browser import A4, DESK, PHONE, Opened, Scheme
from tests.helpers.program import replay
from tests.helpers.worlds import INCIDENTS, NAMES, report_of, rules
from tests.hostile import test_hostile


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers.chromium() as running:
        yield running


@pytest.fixture(scope="module")
def folder_(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("html")


@pytest.fixture(scope="module")
def incident(folder_: Path) -> Path:
    """An incident with two causes, as the command writes it."""
    file = folder_ / "incident.html"
    done = replay("multi-path-and-secret", "--output", f"html={file}")
    assert (done.returncode, done.stderr) == (1, "")
    return file


@pytest.fixture(scope="module")
def many(folder_: Path) -> Path:
    """All recorded incidents as the clusters of one repository: a hundred findings of each severity."""
    file = folder_ / "many.html"
    file.write_text(render("html", all_incidents()), "utf-8")
    return file


def all_incidents() -> Report:
    return merge.merge([replace(report_of(name), name=name) for name in NAMES], "fleet")


def quiet(it: Opened) -> None:
    assert it.said == []
    assert it.asked == []


LOOKS = pytest.mark.parametrize(("width", "scheme"), [(w, s) for w in (PHONE, DESK) for s in ("light", "dark")])


@LOOKS
def test_an_incident_is_read(browser: Browser, incident: Path, width: int, scheme: Scheme) -> None:
    with browsers.opened(browser, incident, width=width, scheme=scheme) as it:
        page = it.page
        expect(page).to_have_title("multi-path-and-secret: 2 root causes")
        expect(page.locator(".verdict > p")).to_have_text("2 root causes")
        expect(page.locator(".verdict li")).to_have_text(
            [
                "Kustomization/flux-system/infra-configs: Path not in the artifact, blocks 1 object",
                "GitRepository/flux-system/webapp: Secret of a source does not exist",
            ]
        )
        expect(page.locator(".finding h3")).to_have_text(
            ["Kustomization/flux-system/infra-configs", "GitRepository/flux-system/webapp"]
        )
        expect(page.locator(".finding .fix dd").first).to_have_text(
            "Either set spec.path to an existing directory, for example ./infrastructure/configs, or add the directory to the "
            "source."
        )
        expect(page.locator("#canvas .cause .kind")).to_have_text(
            ["Kustomization · kustomize/path-not-found", "GitRepository · source/secret-missing"]
        )
        assert it.overflow() == 0
        assert it.flaws() == []
        quiet(it)


@LOOKS
def test_links_lead_from_the_verdict_to_the_finding_to_the_graph_and_back(
    browser: Browser, incident: Path, width: int, scheme: Scheme
) -> None:
    with browsers.opened(browser, incident, width=width, scheme=scheme) as it:
        page = it.page
        second = page.locator(".finding").nth(1)
        page.locator("#search").fill("infra-configs")
        expect(second).to_be_hidden()
        page.get_by_role("link", name="GitRepository/flux-system/webapp").first.click()
        expect(second).to_be_in_viewport()  # the filter that hid it is gone
        expect(second).to_be_focused()
        expect(page.locator("#shown")).to_have_text("2 shown")
        second.get_by_role("link", name="Show in the graph").click()
        cause = page.locator("#canvas .cause").nth(1)
        expect(cause).to_be_in_viewport()
        assert page.evaluate("document.querySelector('#canvas g:target').textContent").startswith(
            "GitRepository/flux-system/webapp (cause)"
        )
        cause.click()
        expect(second).to_be_in_viewport()
        assert it.overflow() == 0
        quiet(it)


@LOOKS
def test_search_and_filters(browser: Browser, many: Path, width: int, scheme: Scheme) -> None:
    report = all_incidents()
    with browsers.opened(browser, many, width=width, scheme=scheme) as it:
        page = it.page
        shown, cards = page.locator("#shown"), page.locator(".finding:visible")
        total = len(report.findings)
        expect(shown).to_have_text(f"{total} shown")

        page.locator("#search").fill("secret  MISSING webapp")
        wanted = [
            str(f.subject) for f in report.findings if f.rule == "source/secret-missing" and f.subject.name == "webapp"
        ]
        expect(page.locator(".finding:visible h3")).to_have_text(wanted)
        expect(shown).to_have_text(f"{len(wanted)} of {total} shown")

        page.get_by_role("button", name="Reset").click()
        expect(shown).to_have_text(f"{total} shown")
        page.get_by_role("checkbox", name="Errors").uncheck()
        page.get_by_role("checkbox", name="Warnings").uncheck()
        notes = [f for f in report.findings if f.severity == "info"]
        expect(cards).to_have_count(len(notes))  # the fold they lie in opens
        expect(cards.locator(".badge")).to_have_text(["note"] * len(notes))

        page.get_by_role("button", name="Reset").click()
        page.get_by_role("combobox", name="Rule").select_option("kustomize/path-not-found")
        expect(cards.locator(".rule")).to_have_text(
            ["kustomize/path-not-found"] * sum(f.rule == "kustomize/path-not-found" for f in report.findings)
        )
        page.get_by_role("combobox", name="Cluster").select_option("multi-path-and-secret")
        expect(cards).to_have_count(1)

        page.get_by_role("button", name="Reset").click()
        page.get_by_role("combobox", name="Namespace").select_option("backend")
        about = [f for f in report.findings if "backend" in _spaces(report, f.fingerprint)]
        expect(cards.and_(page.locator("[data-severity=error]"))).to_have_count(
            sum(f.severity == "error" for f in about)
        )

        page.locator("#search").fill("no such words anywhere")
        expect(shown).to_have_text(f"0 of {total} shown")
        expect(cards).to_have_count(0)
        assert it.overflow() == 0
        quiet(it)


def _spaces(report: Report, fingerprint: str) -> set[str]:
    found = next(f for f in report.findings if f.fingerprint == fingerprint)
    refs = (found.subject, *found.also, *found.blocks, *(f.ref for f in found.freezes))
    return {r.namespace for r in refs} | {r.name for r in refs if r.kind == "Namespace"}


@LOOKS
def test_a_page_of_a_hundred_findings_has_no_flaw(browser: Browser, many: Path, width: int, scheme: Scheme) -> None:
    with browsers.opened(browser, many, width=width, scheme=scheme) as it:
        it.page.locator("#notes > summary").click()
        assert it.flaws() == []
        assert it.overflow() == 0
        quiet(it)


def test_the_chain_of_one_object_stands_first(browser: Browser, folder_: Path) -> None:
    file = folder_ / "chain.html"
    replay("cascade-chain-top", "ks/infra-configs", "-n", "flux-system", "--output", f"html={file}")
    with browsers.opened(browser, file, width=PHONE) as it:
        expect(it.page.locator("main > section").first).to_have_id("chain")
        expect(it.page.locator("#chain li p")).to_have_text(
            [
                "Kustomization/flux-system/infra-configs",
                "Kustomization/flux-system/infra-controllers",
                "Kustomization/flux-system/sources",
            ]
        )
        assert it.flaws() == []
        assert it.overflow() == 0
        quiet(it)


def test_what_was_not_seen_is_told_at_the_head_and_in_its_place(browser: Browser, folder_: Path) -> None:
    file = folder_ / "gaps.html"
    replay("git-repo-404", "--output", f"html={file}")
    with browsers.opened(browser, file) as it:
        expect(it.page.locator(".notice")).to_have_text("Not everything could be checked: 1 gap, listed below.")
        it.page.get_by_role("link", name="listed below").click()
        expect(it.page.locator(".gaps li")).to_have_text(["git/flux-system/webappits files are not in this snapshot"])
        expect(it.page.locator(".gaps li")).to_be_in_viewport()
        assert it.flaws() == []
        quiet(it)


def test_it_is_used_without_a_mouse(browser: Browser, incident: Path) -> None:
    with browsers.opened(browser, incident) as it:
        page = it.page
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the findings")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#findings")).to_be_focused()
        page.keyboard.press("/")
        expect(page.locator("#search")).to_be_focused()
        page.keyboard.type("a/b")  # a slash in the search is a slash
        expect(page.locator("#search")).to_have_value("a/b")
        expect(page.locator("#shown")).to_have_text("0 of 2 shown")
        quiet(it)


def test_without_javascript_it_is_whole(browser: Browser, many: Path) -> None:
    with browsers.opened(browser, many, width=PHONE, script=False) as it:
        expect(it.page.locator("#filters")).to_be_hidden()
        told = [f for f in all_incidents().findings if f.severity != "info"]
        expect(it.page.locator("#findings > ol > .finding:visible")).to_have_count(len(told))
        assert it.overflow() == 0


def test_printed_it_shows_what_is_folded_and_no_controls(browser: Browser, many: Path) -> None:
    with browsers.opened(browser, many) as it:
        it.page.emulate_media(media="print")
        expect(it.page.locator("#filters")).to_be_hidden()
        pdf = it.page.pdf(format="A4")
        assert pdf.startswith(b"%PDF")
        expect(it.page.locator(".finding:visible")).to_have_count(len(all_incidents().findings))
        assert it.overflow() == 0
        quiet(it)


def test_printed_the_graph_is_on_the_paper_as_text_too(browser: Browser, incident: Path) -> None:
    with browsers.opened(browser, incident, width=A4, scheme="dark", script=False) as it:
        it.page.emulate_media(media="print")
        expect(it.page.locator("#graph pre")).to_be_visible()
        assert it.page.locator("#canvas svg").bounding_box()["width"] <= A4  # type: ignore[index]
        assert it.overflow() == 0


def test_what_a_cluster_says_does_nothing(browser: Browser, folder_: Path) -> None:
    for number, (snapshot, report) in enumerate(test_hostile.hostile()):
        file = folder_ / f"hostile-{number}.html"
        file.write_text(render("html", report, Context(snapshot)), "utf-8")
        with browsers.opened(browser, file, width=PHONE) as it:
            page = it.page
            assert page.evaluate("[document.scripts.length, document.images.length, document.styleSheets.length]") == [
                1,
                0,
                1,
            ]
            expect(page.locator("h1")).to_have_text(re.compile(r"\S"))
            page.locator("#search").fill("<script>alert(1)</script>") if report.findings else None
            assert it.overflow() == 0
            assert it.flaws() == []
            quiet(it)


def test_the_policy_stops_what_is_not_its_own(browser: Browser, incident: Path) -> None:
    with browsers.opened(browser, incident) as it:
        failed: list[str | None] = []
        it.page.on("requestfailed", lambda request: failed.append(request.failure))
        ran = it.page.evaluate(
            """() => {
              const script = document.createElement("script");
              script.textContent = "window.ran = true";
              document.body.append(script);
              const button = document.createElement("button");
              button.setAttribute("onclick", "window.ran = true");
              document.body.append(button);
              button.click();
              const image = document.createElement("img");
              image.src = "http://127.0.0.1:1/x.png";
              document.body.append(image);
              return window.ran === true;
            }"""
        )
        assert ran is False
        it.page.wait_for_timeout(500)
        assert failed == ["csp"]  # the image: Chromium's word for a request that was never made
        stopped = [s for s in it.said if "Content Security Policy" in s]
        assert [d for d in ("script-src", "img-src") if not any(d in s or "default-src" in s for s in stopped)] == []
        assert len(stopped) == 3


#: Types words into the search; returns the milliseconds until the page stands.
SEARCH = """(words) => {
  const search = document.getElementById("search"), begin = performance.now();
  search.value = words;
  search.dispatchEvent(new Event("input", { bubbles: true }));
  document.body.offsetHeight;
  return performance.now() - begin;
}"""


def test_five_hundred_causes_stay_usable(browser: Browser, folder_: Path) -> None:
    snapshot = snapshot_folder.parse(fleet(5000, SHAPES["islands"][0]), "islands")
    report = diagnose(snapshot, rules())
    file = folder_ / "islands.html"
    file.write_text(render("html", report, Context(snapshot)), "utf-8")
    assert file.stat().st_size < 3_000_000
    with browsers.opened(browser, file) as it:
        expect(it.page.locator("#shown")).to_have_text("501 shown")
        expect(it.page.locator("#canvas .cause")).to_have_count(501)
        expect(it.page.locator("#canvas .blocked")).to_have_text(re.compile("4503 Kustomization in"))
        assert it.page.evaluate(SEARCH, "apps-4990") < 5_000
        expect(it.page.locator(".finding:visible h3")).to_have_text(["Kustomization/flux-system/apps-4990"])
        assert it.overflow() == 0
        quiet(it)


def test_thousands_of_findings_about_forty_thousand_objects_stay_usable(browser: Browser, folder_: Path) -> None:
    """5,000 Flux objects of 50 namespaces, whose Kustomizations miss 20 objects each."""
    about = yaml.safe_load((INCIDENTS / "healthy-baseline" / "snapshot.yaml").read_text("utf-8"))
    bodies = {
        "apiVersion": "v1",
        "kind": "List",
        "items": list(tenants.objects(5000, now=datetime.fromisoformat(about["taken"]))),
    }
    files = {"snapshot.yaml": yaml.safe_dump(about), "cluster/objects.json": json.dumps(bodies)}
    snapshot = snapshot_folder.parse({path: text.encode() for path, text in files.items()}, "tenants")
    report = diagnose(snapshot, rules())
    file = folder_ / "tenants.html"
    file.write_text(render("html", report, Context(snapshot)), "utf-8")
    assert file.stat().st_size < 8_000_000
    with browsers.opened(browser, file) as it:
        total = len(report.findings)
        assert total > 2000
        expect(it.page.locator("#shown")).to_have_text(f"{total} shown")
        expect(it.page.locator("#graph > p")).to_contain_text(re.compile(rf"first \d+ of {total} findings are marked"))
        expect(it.page.locator("#canvas .healthy .kind").last).to_have_text(re.compile(r"^\d+ \w+ in$"))
        assert it.page.locator("#canvas g").count() < 700
        assert (
            it.page.evaluate(SEARCH, "git-authentication-failed") < 5_000
        )  # half a minute where items of a list are numbered
        expect(it.page.locator(".finding:visible")).to_have_count(
            sum(f.rule == "source/git-authentication-failed" for f in report.findings)
        )
        assert it.overflow() == 0
        quiet(it)
