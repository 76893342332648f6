"""A real browser for the HTML report: what it asks for, complains of, and shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e import build

#: Milliseconds after which a wait for the page is over.
LIMIT = 20_000
PHONE, DESK, A4 = 375, 1440, 794
Scheme = Literal["light", "dark"]


@dataclass(slots=True)
class Opened:
    """A page, what it wrote to the console or raised, and what it asked for besides itself."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        wide: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wide

    def flaws(self) -> list[str]:
        """Return what axe-core finds wrong by WCAG 2.2 A and AA and its best practices: rule, element, and why."""
        self.page.evaluate(build.axe().read_text("utf-8"))
        found: dict[str, Any] = self.page.evaluate("axe.run()")
        return [
            f"{rule['id']}: {node['html'][:120]}: {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser, and end it."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=build.chromium(), timeout=LIMIT)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser, file: Path, *, width: int = DESK, scheme: Scheme = "light", script: bool = True
) -> Iterator[Opened]:
    """Open a file as a user does, who has no network."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script, offline=True
    )
    context.set_default_timeout(LIMIT)
    try:
        it = Opened(context.new_page())
        it.page.on("console", lambda message: it.said.append(message.text))
        it.page.on("pageerror", lambda error: it.said.append(str(error)))
        it.page.on("dialog", lambda dialog: it.said.append(f"dialog: {dialog.message}"))
        it.page.on("request", lambda request: it.asked.append(request.url))
        it.page.goto(file.as_uri())
        assert it.asked == [file.as_uri()]
        it.asked.clear()
        yield it
    finally:
        context.close()
