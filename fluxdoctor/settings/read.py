"""Reads a settings file. What it says wrong is told with its line, and with what was probably meant."""

from __future__ import annotations

import posixpath
import re
import tomllib
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
_MEANS = ("rule", "path", "object", "cluster")


def read(file: Path, name: str = "") -> Settings:
    """Read a settings file; ``name`` is what reports call it. Raises SettingsError."""
    text = find.text(file)
    try:
        body: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(_not_toml(file, str(error))) from None
    prefix: places.Path = ()
    if file.name == find.PROJECT:
        prefix = ("tool", "fluxdoctor")
        body = (body.get("tool") or {}).get("fluxdoctor")
        if not isinstance(body, dict):
            raise SettingsError(f"{file}: has no table [tool.fluxdoctor]")
    return _Reader(file, name or file.as_posix(), places.lines(text), prefix).settings(body)


def _not_toml(file: Path, why: str) -> str:
    """Say where a file is broken as file:line: tomllib says it at the end, in words."""
    line = re.search(r" \(at line (\d+), column \d+\)$", why)
    return f"{file}:{line[1]}: not TOML: {why[: line.start()]}" if line else f"{file}: not TOML: {why}"


def check_rules(settings: Settings, ids: Iterable[str]) -> None:
    """Raise SettingsError for a glob of a settings file that names no rule of these: a typing error, not a quiet nothing."""
    known = sorted(ids)
    chosen = [(g, s.where) for s in (settings.select, settings.without) for g in s.value]
    chosen += [(glob, severity.where) for glob, severity in settings.severities]
    chosen += [(i.rule, i.where) for i in settings.ignores]
    for glob, where in chosen:
        if where != COMMAND and not any(names(glob, rule) for rule in known):
            raise SettingsError(
                f"{where}: no rule matches {glob!r}{rule_hint(glob, known)} (fluxdoctor rules lists all)"
            )


def rule_hint(glob: str, ids: Iterable[str]) -> str:
    """Return ``; did you mean ...?`` for a glob that matches no rule: rule ids and areas; "" if none is similar."""
    rules = sorted(ids)
    return did_you_mean(glob, [*rules, *sorted({rule.partition("/")[0] for rule in rules})])


@dataclass(frozen=True)
class _Reader:
    file: Path
    name: str
    lines: dict[places.Path, int]
    prefix: places.Path

    def settings(self, body: Mapping[str, Any]) -> Settings:
        self._known(body, _TOP, ())
        rules = self._table(body, "rules")
        self._known(rules, _RULES, ("rules",))
        found = Settings(
            file=self.name,
            severities=tuple(self._severities(self._table(body, "severity"))),
            ignores=tuple(self._ignores(body.get("ignore", []))),
            select=self._globs(rules, "select"),
            without=self._globs(rules, "ignore"),
            fail_on=self._fail_on(body),
            baseline=self._baseline(body),
        )
        name = body.get("baseline", "") and posixpath.join(posixpath.dirname(self.name), body["baseline"].strip())
        return replace(found, baseline_name=posixpath.normpath(name) if name else "")

    def _wrong(self, path: places.Path, why: str) -> NoReturn:
        line = places.nearest(self.lines, (*self.prefix, *path))
        raise SettingsError(f"{Location(str(self.file), line)}: {why}")

    def _at(self, path: places.Path) -> Location:
        return Location(self.name, places.nearest(self.lines, (*self.prefix, *path)))

    def _known(self, body: Mapping[str, Any], keys: tuple[str, ...], path: places.Path) -> None:
        for key in body:
            if key not in keys:
                hint = did_you_mean(key, keys) or f"; known: {', '.join(keys)}"
                self._wrong((*path, key), f"unknown key {key!r}{hint}")

    def _table(self, body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = body.get(key, {})
        if not isinstance(value, dict):
            self._wrong((key,), f"{key} is a table: write [{key}]")
        return value

    def _text(self, value: Any, path: places.Path) -> str:
        if not isinstance(value, str) or not value.strip():
            self._wrong(path, f"{path[-1]} is a text that is not empty, such as {_EXAMPLES[str(path[-1])]}")
        return value.strip()

    def _texts(self, value: Any, path: places.Path) -> tuple[str, ...]:
        held = [value] if isinstance(value, str) else value
        if not isinstance(held, list) or not held or not all(isinstance(v, str) and v.strip() for v in held):
            self._wrong(path, f"{path[-1]} is a list of texts, such as [{_EXAMPLES['rule']}]")
        return tuple(v.strip() for v in held)

    def _globs(self, rules: Mapping[str, Any], key: str) -> Setting[tuple[str, ...]]:
        if key not in rules:
            return Setting(())
        return Setting(self._texts(rules[key], ("rules", key)), str(self._at(("rules", key))))

    def _fail_on(self, body: Mapping[str, Any]) -> Setting[str]:
        if "fail-on" not in body:
            return Setting("error")
        if body["fail-on"] not in FAIL_ON:
            self._wrong(("fail-on",), f"fail-on {body['fail-on']!r} is none of {', '.join(FAIL_ON)}")
        return Setting(body["fail-on"], str(self._at(("fail-on",))))

    def _baseline(self, body: Mapping[str, Any]) -> Setting[Path | None]:
        if "baseline" not in body:
            return Setting(None)
        return Setting(self.file.parent / self._text(body["baseline"], ("baseline",)), str(self._at(("baseline",))))

    def _severities(self, body: Mapping[str, Any]) -> Iterator[tuple[str, Setting[Severity]]]:
        known = [s.value for s in Severity]
        for glob, value in body.items():
            path = ("severity", glob)
            if value not in known:
                self._wrong(path, f"severity {value!r} of {glob} is none of {', '.join(known)}")
            yield glob, Setting(Severity(value), str(self._at(path)))

    def _ignores(self, rows: Any) -> Iterator[Ignore]:
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self._wrong(("ignore",), "ignore is a list of tables: write [[ignore]] with rule and reason in it, or ignore "
                                     "in [rules] for rules that are not wanted at all")  # fmt: skip
        for number, row in enumerate(rows):
            path: places.Path = ("ignore", number)
            self._known(row, _IGNORE, path)
            if not any(key in row for key in _MEANS):
                self._wrong(path, f"[[ignore]] would hide everything: say at least one of {', '.join(_MEANS)}")
            path_, object_, cluster = (
                self._text(row[key], (*path, key)) if key in row else "" for key in ("path", "object", "cluster")
            )
            if object_ and not any(sign in object_ for sign in "/*?["):
                self._wrong((*path, "object"), f"object {object_!r} is never one: write Kind/namespace/name, or a glob "
                                               f"such as {_EXAMPLES['object']}")  # fmt: skip
            last = self._expires(row, path)
            for rule in self._texts(row.get("rule", "*"), (*path, "rule")):
                yield Ignore("settings", rule, _reason(row), self._at(path), path_, object_, cluster, last)

    def _expires(self, row: Mapping[str, Any], path: places.Path) -> date | None:
        value = row.get("expires")
        try:
            value = date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            value = 0
        if isinstance(value, datetime) or not isinstance(value, date | None):
            self._wrong((*path, "expires"), "expires is a day, such as 2027-01-31: the last one on which it holds")
        return value


_EXAMPLES = {
    "rule": '"helm/*"', "path": '"apps/legacy/**"', "object": '"HelmRelease/shop/*"', "cluster": '"clusters/staging"',
    "baseline": '"fluxdoctor-baseline.json"',
}  # fmt: skip


def _reason(row: Mapping[str, Any]) -> str:
    """A reason that is no text is none: it is reported as lacking, as an empty one is."""
    value = row.get("reason", "")
    return " ".join(value.split()) if isinstance(value, str) else ""
