"""Golden files that --update rewrites, and what every test run needs."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

E2E = Path(__file__).resolve().parent / "e2e"


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start: a shell that runs this in the background has it ignored, and children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the end-to-end tests to those who name them (`make e2e`): they start real servers."""
    if collection_path != E2E:
        return None
    named = [Path(arg.partition("::")[0]).resolve() for arg in config.args]
    return None if any(path.is_relative_to(E2E) for path in named) else True


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the golden files")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a golden file, or rewrite the file when --update is given."""

    def compare(path: Path, actual: str) -> None:
        if request.config.getoption("--update"):
            path.write_text(actual, "utf-8")
        assert actual == path.read_text("utf-8")

    return compare
