"""The settings in force for a run: those of the settings file, overridden by the command line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluxdoctor.cli.catalogue import check_globs
from fluxdoctor.cli.options import SELECT, option_group
from fluxdoctor.cli.output import stop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fluxdoctor.app.diagnose import RuleOptions
    from fluxdoctor.model.finding import Report
    from fluxdoctor.model.snapshot import Snapshot
    from fluxdoctor.rule import Catalogue
    from fluxdoctor.settings.baseline import Baseline
    from fluxdoctor.settings.policy import Policy
    from fluxdoctor.settings.values import Settings

FILE = (
    click.option("--config", "config", type=click.Path(path_type=Path), metavar="FILE",
                 help="Path to the settings file. Defaults to the closest fluxdoctor.toml or pyproject.toml."),
    click.option("--no-config", is_flag=True,
                 help="Do not read a settings file or apply ignores from comments and annotations."),
    click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE",
                 help="Path to a baseline file. Findings in it are not shown and do not fail the run."),
)  # fmt: skip
WRITE_BASELINE = click.option("--write-baseline", type=click.Path(path_type=Path), metavar="FILE",
                              help="Write all findings to this file, for later use with --baseline.")  # fmt: skip


@dataclass(frozen=True)
class SettingsArguments:
    """The options that override settings, and those that say which settings file counts."""

    only: tuple[str, ...]
    """Globs over rule ids, or areas: only these rules count; all if empty."""
    ignore: tuple[str, ...]
    """Globs over rule ids, or areas, of the rules that do not count."""
    config: Path | None
    """The settings file; the nearest one without it."""
    no_config: bool
    """Whether no settings file is read, and ignores of files and objects do not count."""
    baseline: Path | None
    """The file with the findings that are neither shown nor fail."""
    write_baseline: Path | None = None
    """The file to write a baseline to."""


settings_options = option_group("settings", SettingsArguments, (*SELECT, *FILE, WRITE_BASELINE))
#: Options, and the settings that they override.
_OVERRIDES = {"only": "select", "ignore": "without", "fail_on": "fail_on", "baseline": "baseline"}


@dataclass(frozen=True)
class EffectiveSettings:
    """The settings in force."""

    settings: Settings
    """The settings file, overridden by the command line."""
    heeds: bool = True
    """Whether ignores count."""
    write: Path | None = None
    """The file to write a baseline to."""

    @property
    def rules(self) -> RuleOptions:
        """Which rules count."""
        from fluxdoctor.app.diagnose import RuleOptions

        return RuleOptions(self.settings.select.value, self.settings.without.value)

    @property
    def fail_on(self) -> str:
        """The lowest severity that causes exit code 1, or never."""
        return self.settings.fail_on.value

    @property
    def names_rules(self) -> bool:
        """Whether the settings name any rule, which must exist."""
        settings = self.settings
        return bool(settings.select.value or settings.without.value or settings.severities or settings.ignores)

    def check_rules(self, installed: Catalogue) -> None:
        """Stop if the settings name a rule that does not exist."""
        from fluxdoctor.settings.read import check_rules
        from fluxdoctor.settings.values import COMMAND, SettingsError

        settings = (self.settings.select, self.settings.without)
        check_globs([glob for setting in settings if setting.where == COMMAND for glob in setting.value], installed)
        try:
            check_rules(self.settings, [r.id for r in installed.rules])
        except SettingsError as error:
            stop(str(error))

    def policy(self, files: Mapping[str, bytes] | None = None) -> Policy:
        """Return what is applied to the reports of a run; ``files``: those of a repository, for the comments in them."""
        from fluxdoctor.settings import comments
        from fluxdoctor.settings.policy import Policy

        settings = self.settings if self.heeds else replace(self.settings, ignores=())
        return Policy(settings, comments.read(files or {}) if self.heeds else (), self._baseline(), heeds=self.heeds)

    def applied(self, report: Report, snapshot: Snapshot, installed: Catalogue, *, whole: bool) -> Report:
        """Apply the settings to the report of one snapshot, and write the baseline if the options say so.

        ``whole``: the snapshot shows all namespaces.
        """
        policy, rules = self.policy(), self.rules
        report = policy.hide(report, snapshot)
        report = policy.finish(report, installed, only=rules.only, ignore=rules.ignore, whole=whole)
        return self.with_baseline(report, policy)

    def _baseline(self) -> Baseline | None:
        from fluxdoctor.settings import baseline
        from fluxdoctor.settings.values import SettingsError

        file = self.settings.baseline.value
        if file is None or self.write:
            return None
        try:
            return baseline.read(file, self.settings.baseline_name)
        except SettingsError as error:
            stop(str(error))

    def with_baseline(self, report: Report, policy: Policy) -> Report:
        """Write the baseline, if the options say so, and return the report without the findings in it."""
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
    """Return the settings for the demonstration: nothing of the current folder counts."""
    from fluxdoctor.settings.values import Setting, Settings

    return EffectiveSettings(Settings(fail_on=Setting(fail_on)))


def read(ctx: click.Context, start: Path, arguments: SettingsArguments, fail_on: str) -> EffectiveSettings:
    """Return the settings in force for a folder. Stops if a settings file is invalid."""
    from fluxdoctor.settings.values import SettingsError

    if arguments.config and arguments.no_config:
        raise click.UsageError("--config cannot be used with --no-config")
    try:
        settings = _read_file(arguments, start)
    except SettingsError as error:
        stop(str(error))
    settings = _overridden(ctx, settings, arguments, fail_on)
    return EffectiveSettings(settings, heeds=not arguments.no_config, write=arguments.write_baseline)


def _read_file(arguments: SettingsArguments, start: Path) -> Settings:
    from fluxdoctor.settings import find
    from fluxdoctor.settings.read import read
    from fluxdoctor.settings.values import Settings

    if arguments.config:
        return read(arguments.config)
    nearest = None if arguments.no_config else find.find(start if start.is_dir() else start.parent)
    return read(*nearest) if nearest else Settings()


def _overridden(ctx: click.Context, settings: Settings, arguments: SettingsArguments, fail_on: str) -> Settings:
    """Return the settings with the options of the command line in their place."""
    from fluxdoctor.settings.values import COMMAND, Setting

    values = {"only": arguments.only, "ignore": arguments.ignore, "fail_on": fail_on, "baseline": arguments.baseline}
    overrides: dict[str, Any] = {
        name: Setting(values[option], COMMAND)
        for option, name in _OVERRIDES.items()
        if ctx.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE
    }
    if "baseline" in overrides:
        overrides["baseline_name"] = str(overrides["baseline"].value)
    return replace(settings, **overrides)
