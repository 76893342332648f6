"""Reads a settings file. An error names the line, what is wrong and, if a name is similar, what was probably meant."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

from fluxdoctor.model.finding import Severity
from fluxdoctor.model.resource import Location
from fluxdoctor.model.similar import did_you_mean
from fluxdoctor.settings import find, places
from fluxdoctor.settings.values import COMMAND, FAIL_ON, Ignore, Setting, Settings, SettingsError, names

_TOP = ("fail-on", "baseline", "rules", "severity", "ignore")
_RULES = ("select", "ignore")
_IGNORE = ("rule", "path", "object", "cluster", "reason", "expires")
_CRITERIA = ("rule", "path", "object", "cluster")


def read(file: Path, name: str = "") -> Settings:
    """Read a settings file; ``name`` is its name in reports. Raises SettingsError if it cannot be read or is invalid."""
    text = find.text(file)
    try:
        body: Any = find.parse(text)
    except ValueError as error:
        raise SettingsError(_not_toml(file, str(error))) from None
    prefix: places.KeyPath = ()
    if file.name == find.PROJECT:
        prefix = ("tool", "fluxdoctor")
        tool = body.get("tool")
        body = tool.get("fluxdoctor") if isinstance(tool, dict) else None
        if not isinstance(body, dict):
            raise SettingsError(f"{file}: has no table [tool.fluxdoctor]")
    return _Reader(file, name or file.as_posix(), places.lines(text), prefix).settings(body)


def _not_toml(file: Path, why: str) -> str:
    """Return the error of tomllib with its line as file:line; tomllib puts the line at the end, in words."""
    line = re.search(r" \(at line (\d+), column \d+\)$", why)
    return f"{file}:{line[1]}: not TOML: {why[: line.start()]}" if line else f"{file}: not TOML: {why}"


def check_rules(settings: Settings, ids: Iterable[str]) -> None:
    """Raise SettingsError if a glob in a settings file matches none of these rules: it is a typing error."""
    rules = sorted(ids)
    globs = [(g, s.where) for s in (settings.select, settings.without) for g in s.value]
    globs += [(glob, severity.where) for glob, severity in settings.severities]
    globs += [(i.rule, i.where) for i in settings.ignores]
    for glob, place in globs:
        if place != COMMAND and not any(names(glob, rule) for rule in rules):
            raise SettingsError(
                f"{place}: no rule matches {glob!r}{rule_hint(glob, rules)} (to list all rules, run: fluxdoctor rules)"
            )


def rule_hint(glob: str, ids: Iterable[str]) -> str:
    """Return ``; did you mean ...?`` for a glob that matches no rule: rule ids and areas; "" if none is similar."""
    rules = sorted(ids)
    return did_you_mean(glob, [*rules, *sorted({rule.partition("/")[0] for rule in rules})])


@dataclass(frozen=True)
class _Reader:
    """Checks the tables of one settings file. Every method raises SettingsError with the line if a value is invalid.

    ``name``: the file's name in reports. ``prefix``: the table of the settings in a ``pyproject.toml``.
    """

    file: Path
    name: str
    lines: dict[places.KeyPath, int]
    prefix: places.KeyPath

    def settings(self, body: Mapping[str, Any]) -> Settings:
        """Return the settings of a file's body."""
        self._check_keys(body, _TOP, ())
        rules = self._table(body, "rules")
        self._check_keys(rules, _RULES, ("rules",))
        settings = Settings(
            file=self.name,
            severities=tuple(self._severities(self._table(body, "severity"))),
            ignores=tuple(self._ignores(body.get("ignore", []))),
            select=self._globs(rules, "select"),
            without=self._globs(rules, "ignore"),
            fail_on=self._fail_on(body),
            baseline=self._baseline(body),
        )
        name = body.get("baseline", "") and posixpath.join(posixpath.dirname(self.name), body["baseline"].strip())
        return replace(settings, baseline_name=posixpath.normpath(name) if name else "")

    def _reject(self, path: places.KeyPath, why: str) -> NoReturn:
        line = places.nearest(self.lines, (*self.prefix, *path))
        raise SettingsError(f"{Location(str(self.file), line)}: {why}")

    def _at(self, path: places.KeyPath) -> Location:
        return Location(self.name, places.nearest(self.lines, (*self.prefix, *path)))

    def _check_keys(self, body: Mapping[str, Any], keys: tuple[str, ...], path: places.KeyPath) -> None:
        for key in body:
            if key not in keys:
                hint = did_you_mean(key, keys) or f"; known: {', '.join(keys)}"
                self._reject((*path, key), f"unknown key {key!r}{hint}")

    def _table(self, body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = body.get(key, {})
        if not isinstance(value, dict):
            self._reject((key,), f"{key} must be a table; use [{key}]")
        return value

    def _text(self, value: Any, path: places.KeyPath) -> str:
        if not isinstance(value, str) or not value.strip():
            self._reject(path, f"{path[-1]} must be a non-empty string, such as {_EXAMPLES[str(path[-1])]}")
        return value.strip()

    def _texts(self, value: Any, path: places.KeyPath) -> tuple[str, ...]:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) and t.strip() for t in texts):
            self._reject(path, f"{path[-1]} must be a list of non-empty strings, such as [{_EXAMPLES['rule']}]")
        return tuple(text.strip() for text in texts)

    def _globs(self, rules: Mapping[str, Any], key: str) -> Setting[tuple[str, ...]]:
        if key not in rules:
            return Setting(())
        return Setting(self._texts(rules[key], ("rules", key)), str(self._at(("rules", key))))

    def _fail_on(self, body: Mapping[str, Any]) -> Setting[str]:
        if "fail-on" not in body:
            return Setting("error")
        if body["fail-on"] not in FAIL_ON:
            self._reject(("fail-on",), f"fail-on {body['fail-on']!r} is invalid; valid: {', '.join(FAIL_ON)}")
        return Setting(body["fail-on"], str(self._at(("fail-on",))))

    def _baseline(self, body: Mapping[str, Any]) -> Setting[Path | None]:
        if "baseline" not in body:
            return Setting(None)
        return Setting(self.file.parent / self._text(body["baseline"], ("baseline",)), str(self._at(("baseline",))))

    def _severities(self, body: Mapping[str, Any]) -> Iterator[tuple[str, Setting[Severity]]]:
        valid = [s.value for s in Severity]
        for glob, value in body.items():
            path = ("severity", glob)
            if value not in valid:
                self._reject(path, f"severity {value!r} of {glob} is invalid; valid: {', '.join(valid)}")
            yield glob, Setting(Severity(value), str(self._at(path)))

    def _ignores(self, rows: Any) -> Iterator[Ignore]:
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self._reject(("ignore",), "ignore must be a list of tables; use [[ignore]] with rule and reason. To exclude "
                                      "rules, use ignore in [rules]")  # fmt: skip
        for number, row in enumerate(rows):
            path: places.KeyPath = ("ignore", number)
            self._check_keys(row, _IGNORE, path)
            if not any(key in row for key in _CRITERIA):
                self._reject(path, f"[[ignore]] would hide everything: set at least one of {', '.join(_CRITERIA)}")
            path_, object_, cluster = (
                self._text(row[key], (*path, key)) if key in row else "" for key in ("path", "object", "cluster")
            )
            if object_ and not any(sign in object_ for sign in "/*?["):
                self._reject((*path, "object"), f"object {object_!r} matches no object; use Kind/namespace/name, or a glob "
                                               f"such as {_EXAMPLES['object']}")  # fmt: skip
            last = self._expires(row, path)
            for rule in self._texts(row.get("rule", "*"), (*path, "rule")):
                yield Ignore("settings", rule, _reason(row), self._at(path), path_, object_, cluster, last)

    def _expires(self, row: Mapping[str, Any], path: places.KeyPath) -> date | None:
        value = row.get("expires")
        try:
            value = date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            value = 0
        if isinstance(value, datetime) or not isinstance(value, date | None):
            self._reject(
                (*path, "expires"),
                "expires must be a date, such as 2027-01-31: the last day on which the ignore is in force",
            )
        return value


_EXAMPLES = {
    "rule": '"helm/*"', "path": '"apps/legacy/**"', "object": '"HelmRelease/shop/*"', "cluster": '"clusters/staging"',
    "baseline": '"fluxdoctor-baseline.json"',
}  # fmt: skip


def _reason(row: Mapping[str, Any]) -> str:
    """Return the reason of an ignore; "" if it is missing or not a string, which is reported as a missing reason."""
    value = row.get("reason", "")
    return " ".join(value.split()) if isinstance(value, str) else ""
