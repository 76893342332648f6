"""The installed rules, and the rules that a user names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from fluxdoctor.cli.output import stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fluxdoctor.rule import Catalogue

T = TypeVar("T")


def catalogue() -> Catalogue:
    """Load the installed rules. Two packs with one rule, or a core pack that does not load, end the program with exit code 2."""
    from fluxdoctor.rule import RuleError, installed

    try:
        return installed()
    except RuleError as error:
        stop(str(error))


def rule_ids(_: click.Context, parameter: click.Parameter, prefix: str) -> list[str]:
    """Return what a shell completes for a rule id; for a glob, areas too."""
    rules = catalogue().rules
    areas = {r.area for r in rules} if isinstance(parameter, click.Option) else set()
    return sorted(name for name in areas.union(r.id for r in rules) if name.startswith(prefix))


def check_globs(globs: Iterable[str], rules: Catalogue) -> None:
    """Stop if a glob matches no rule: it is a typing error, and must not hide findings."""
    from fluxdoctor.engine import select
    from fluxdoctor.settings.read import rule_hint

    for glob in globs:
        if not select(rules.rules, [glob]):
            hint = rule_hint(glob, (r.id for r in rules.rules))
            stop(f"no rule matches {glob!r}{hint} (to list all rules, run: fluxdoctor rules)")


def meanwhile(work: Callable[[], T]) -> Callable[[], T]:
    """Start work in a thread; return a function that waits for its result, and raises what it raised."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1, thread_name_prefix="meanwhile")
    result = pool.submit(work)
    pool.shutdown(wait=False)
    return result.result
