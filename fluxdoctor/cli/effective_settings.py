"""What is in force for a run: the settings file, and what the command line says instead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluxdoctor.cli.output import known, stop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fluxdoctor.model.finding import Report
    from fluxdoctor.model.snapshot import Snapshot
    from fluxdoctor.rule import Catalogue
    from fluxdoctor.settings.baseline import Baseline
    from fluxdoctor.settings.policy import Policy
    from fluxdoctor.settings.values import Settings

FILE = (
    click.option("--config", "config", type=click.Path(path_type=Path), metavar="FILE",
                 help="Use this settings file, instead of the nearest fluxdoctor.toml or pyproject.toml."),
    click.option("--no-config", is_flag=True, help="Use no settings file, and heed no ignore that files or objects bear."),
    click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE",
                 help="Neither show nor fail for the findings that this file holds."),
)  # fmt: skip
OPTIONS = (
    *FILE,
    click.option("--write-baseline", type=click.Path(path_type=Path), metavar="FILE",
                 help="Write what is found into this file, as known from now on."),
)  # fmt: skip
#: An option, and the setting that it is said instead of.
_INSTEAD = {"only": "select", "ignore": "without", "fail_on": "fail_on", "baseline": "baseline"}


@dataclass(frozen=True)
class EffectiveSettings:
    """What is in force. ``heeds``: ignores count; ``write``: where a baseline is to be written."""

    settings: Settings
    heeds: bool = True
    write: Path | None = None

    @property
    def only(self) -> tuple[str, ...]:
        """The rules that were chosen."""
        return self.settings.select.value

    @property
    def ignore(self) -> tuple[str, ...]:
        """The rules that are left out."""
        return self.settings.without.value

    @property
    def fail_on(self) -> str:
        """The least severity that makes the exit code 1, or never."""
        return self.settings.fail_on.value

    @property
    def names_rules(self) -> bool:
        """Tell whether any rule is named, which is to be one that is there."""
        return bool(self.only or self.ignore or self.settings.severities or self.settings.ignores)

    def check_rules(self, installed: Catalogue) -> None:
        """Stop where a rule is named that is not there."""
        from fluxdoctor.settings.read import check_rules
        from fluxdoctor.settings.values import COMMAND, SettingsError

        chosen = (self.settings.select, self.settings.without)
        known([glob for setting in chosen if setting.where == COMMAND for glob in setting.value], installed)
        try:
            check_rules(self.settings, [r.id for r in installed.rules])
        except SettingsError as error:
            stop(str(error))

    def policy(self, files: Mapping[str, bytes] | None = None) -> Policy:
        """Return what is to be applied to a run; ``files``: those of a repository, for the comments in them."""
        from fluxdoctor.settings import comments
        from fluxdoctor.settings.policy import Policy

        settings = self.settings if self.heeds else replace(self.settings, ignores=())
        return Policy(settings, comments.read(files or {}) if self.heeds else (), self._known(), heeds=self.heeds)

    def applied(self, report: Report, snapshot: Snapshot, installed: Catalogue, *, whole: bool) -> Report:
        """Return the report of one snapshot as the settings want it, a baseline written if one was asked for."""
        policy = self.policy()
        report = policy.hide(report, snapshot)
        report = policy.finish(report, installed, only=self.only, ignore=self.ignore, whole=whole)
        return self.written(report, policy)

    def _known(self) -> Baseline | None:
        from fluxdoctor.settings import baseline
        from fluxdoctor.settings.values import SettingsError

        file = self.settings.baseline.value
        if file is None or self.write:
            return None
        try:
            return baseline.read(file, self.settings.baseline_name)
        except SettingsError as error:
            stop(str(error))

    def written(self, report: Report, policy: Policy) -> Report:
        """Write the baseline, if one was asked for, and return the report without what it holds."""
        from fluxdoctor.settings import baseline

        if self.write is None:
            return report
        try:
            self.write.write_text(baseline.text(policy.entries), "utf-8")
        except OSError as error:
            stop(f"{self.write}: {error.strerror or error}")
        many = len(set(policy.entries))
        click.echo(f"{self.write}: {many} finding{'' if many == 1 else 's'} written", err=True)
        return policy.accepted(report, str(self.write))


def of_demo(fail_on: str) -> EffectiveSettings:
    """Return what is in force for the demonstration: nothing of the folder that it is run in."""
    from fluxdoctor.settings.values import Setting, Settings

    return EffectiveSettings(Settings(fail_on=Setting(fail_on)))


def read(ctx: click.Context, start: Path, options: dict[str, Any]) -> EffectiveSettings:
    """Take the options of settings out of all, and return what is in force for a folder. Stops where a file is bad."""
    from fluxdoctor.settings.values import SettingsError

    file, none = options.pop("config"), options.pop("no_config")
    if file and none:
        raise click.UsageError("--config names a settings file, and --no-config wants none")
    try:
        found = _file(file, none, start)
    except SettingsError as error:
        stop(str(error))
    return EffectiveSettings(_instead(ctx, found, options), heeds=not none, write=options.pop("write_baseline", None))


def _file(file: Path | None, none: bool, start: Path) -> Settings:
    from fluxdoctor.settings import find
    from fluxdoctor.settings.read import read
    from fluxdoctor.settings.values import Settings

    if file:
        return read(file)
    nearest = None if none else find.find(start if start.is_dir() else start.parent)
    return read(*nearest) if nearest else Settings()


def _instead(ctx: click.Context, found: Settings, options: dict[str, Any]) -> Settings:
    """What is said on the command line wins."""
    from fluxdoctor.settings.values import COMMAND, Setting

    said: dict[str, Any] = {}
    for option, name in _INSTEAD.items():
        value = options.pop(option)
        if ctx.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE:
            said[name] = Setting(value, COMMAND)
    if "baseline" in said:
        said["baseline_name"] = str(said["baseline"].value)
    return replace(found, **said)
