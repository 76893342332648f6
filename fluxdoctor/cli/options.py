"""Options that several commands share, and the dataclasses that commands get their values in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fluxdoctor.cli.catalogue import rule_ids
from fluxdoctor.cli.output import ReportArguments
from fluxdoctor.report.formats import NAMES

if TYPE_CHECKING:
    from fluxdoctor.model.snapshot import Target

F = TypeVar("F")

EXITS = """\b
Exit codes:
  0  no finding at or above --fail-on
  1  findings at or above --fail-on
  2  could not run: usage error, no cluster, or nothing to read
  3  no finding, but something that was requested could not be checked"""


class _Seconds(click.ParamType[float]):
    """A duration as people write it: 90, 90s, 2m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from fluxdoctor.model.times import duration

        text = str(value)
        try:
            seconds = float(text)
        except ValueError:
            seconds = duration(text, timedelta()).total_seconds()
        if not 0 < seconds < 1e6:  # noqa: PLR2004 - days are no deadline
            self.fail(f"{text!r} is not a duration, such as 90s or 2m", param, ctx)
        return seconds


#: The type of an option that is a duration.
SECONDS = _Seconds()


def _outputs(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    """Read FORMAT=FILE. Raises BadParameter if it is not that, or if a file would be written twice."""
    outputs: list[tuple[str, Path]] = []
    for text in values:
        name, equals, file = text.partition("=")
        if not equals or not file or name not in NAMES:
            raise click.BadParameter(f"{text!r} is not FORMAT=FILE; formats: {', '.join(NAMES)}")
        if any(Path(file) == other for _name, other in outputs):
            raise click.BadParameter(f"{file} is set more than once")
        outputs.append((name, Path(file)))
    return tuple(outputs)


def _formats(_: click.Context, __: click.Parameter, prefix: str) -> list[str]:
    return [f"{name}=" for name in NAMES if name.startswith(prefix)]


def with_options(options: Iterable[Any]) -> Callable[[F], F]:
    """Add these options to a command, in their order."""

    def wrap(function: F) -> F:
        for option in reversed(tuple(options)):
            function = option(function)
        return function

    return wrap


def option_group(
    parameter: str, record: type, options: Iterable[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add options to a command, which gets their values as one ``record`` in one parameter.

    The options' names are those of the record's fields; fields without an option keep their default.
    """
    names = [field.name for field in fields(record)]

    def wrap(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(*args: Any, **values: Any) -> None:
            own = {name: values.pop(name) for name in names if name in values}
            function(*args, **{parameter: record(**own)}, **values)

        return with_options(options)(command)

    return wrap


SELECT = (
    click.option("--rule", "only", multiple=True, metavar="GLOB", shell_complete=rule_ids,
                 help="Select rules by id, area or glob. Can be repeated."),
    click.option("--ignore", multiple=True, metavar="GLOB", shell_complete=rule_ids,
                 help="Exclude rules by id, area or glob. Can be repeated."),
)  # fmt: skip
FAIL_ON = click.option(
    "--fail-on", type=click.Choice(["error", "warning", "info", "never"]), default="error", show_default=True,
    help="Lowest severity that causes exit code 1.",
)  # fmt: skip
WIDTH = click.option(
    "--width", type=click.IntRange(40, 400), help="Width of the text report in columns. Defaults to the terminal."
)
FROM = click.option("--from", "source", type=click.Path(path_type=Path), metavar="DIR|TGZ",
                    help="Replay this snapshot instead of reading a cluster.")  # fmt: skip


report_options = option_group("show", ReportArguments, (
    click.option("--format", "format_", type=click.Choice(NAMES), default="text", show_default=True,
                 help="Format of the report."),
    click.option("--output", "outputs", multiple=True, metavar="FORMAT=FILE", callback=_outputs, shell_complete=_formats,
                 help="Also write the report in this format to this file. Can be repeated."),
    FAIL_ON,
    click.option("--verbose", "-v", is_flag=True, help="Show notes, the origin of each proof, and all objects."),
    WIDTH,
))  # fmt: skip


@dataclass(frozen=True)
class UpgradeArguments:
    """The versions that an upgrade goes to, as minor versions; "" without an upgrade."""

    target_flux: str
    """Of Flux, such as 2.9."""
    target_kubernetes: str
    """Of Kubernetes, such as 1.36."""

    def target(self) -> Target | None:
        """Return the versions, or None without an upgrade. Raises UsageError."""
        from fluxdoctor.model.snapshot import Target

        try:
            return Target.parse(self.target_flux, self.target_kubernetes)
        except ValueError as error:
            raise click.UsageError(f"--target-flux, --target-kubernetes: {error}") from None


upgrade_options = option_group("upgrade", UpgradeArguments, (
    click.option("--target-flux", metavar="MINOR", default="",
                 help="Report what an upgrade to this Flux version, such as 2.9, breaks."),
    click.option("--target-kubernetes", metavar="MINOR", default="",
                 help="Report what an upgrade to this Kubernetes version, such as 1.36, breaks."),
))  # fmt: skip


@dataclass(frozen=True)
class ClusterArguments:
    """Which cluster to read, and how far to go."""

    kubeconfig: str
    """The kubeconfig; $KUBECONFIG or ~/.kube/config if empty."""
    context: str
    """The kubeconfig's context; the current one if empty."""
    as_user: str
    """The user to impersonate."""
    as_groups: tuple[str, ...]
    """The groups to impersonate."""
    namespaces: tuple[str, ...]
    """Only these namespaces, and what their objects refer to; all if empty."""
    timeout: float
    """Seconds after which reading ends."""
    probing: str
    """Which sources are asked over the network: all, failing or none."""
    no_probe: bool
    """The same as none for ``probing``."""
    allow_local: bool
    """Whether sources at loopback, link-local and metadata addresses are asked too."""
    no_cache: bool
    """Whether the cache folder is left alone."""


cluster_options = option_group("cluster", ClusterArguments, (
    click.option("--kubeconfig", metavar="FILE", default="",
                 help="Path to the kubeconfig file. Defaults to $KUBECONFIG or ~/.kube/config."),
    click.option("--context", metavar="NAME", default="", help="Kubeconfig context to use. Defaults to the current one."),
    click.option("--as", "as_user", metavar="USER", default="", help="User to impersonate."),
    click.option("--as-group", "as_groups", metavar="GROUP", multiple=True,
                 help="Group to impersonate. Can be repeated."),
    click.option("--namespace", "-n", "namespaces", metavar="NAME", multiple=True,
                 help="Read only this namespace, and what its objects refer to. Can be repeated."),
    click.option("--timeout", type=SECONDS, default="60s", show_default=True,
                 help="Time limit for the whole run. If it is reached, the results are partial."),
    click.option("--probe", "probing", type=click.Choice(["all", "failing", "none"]), default="all", show_default=True,
                 help="Flux sources to contact from this machine."),
    click.option("--no-probe", is_flag=True, help="Do not contact any source. Same as --probe none."),
    click.option("--allow-local", is_flag=True,
                 help="Also contact sources at loopback, link-local and metadata addresses."),
    click.option("--no-cache", is_flag=True, help="Do not use the cache folder."),
))  # fmt: skip
