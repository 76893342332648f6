"""Settings files: found, read, and told with their line where they are wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from fluxdoctor.model.finding import Severity
from fluxdoctor.model.resource import Location
from fluxdoctor.settings import find, places
from fluxdoctor.settings.read import check_rules, read
from fluxdoctor.settings.values import Ignore, Setting, Settings, SettingsError
from tests.helpers.worlds import rules

WHOLE = """\
# what the platform team decided
fail-on = "warning"
baseline = "known/findings.json"

[rules]
select = ["helm", "kustomize/*"]
ignore = "helm/values-refused"

[severity]
"helm/*" = "warning"
"helm/chart-version-missing" = "error"

[[ignore]]
rule = ["kustomize/path-not-found", "kustomize/build-failed"]
path = "apps/legacy/**"
reason = "goes away with the old cluster"
expires = 2027-01-31

[[ignore]]
object = "HelmRelease/shop/*"
cluster = "clusters/staging"
expires = "2027-02-28"
"""


def of(tmp_path: Path, text: str, name: str = "fluxdoctor.toml") -> Settings:
    (tmp_path / name).write_text(text, "utf-8")
    return read(tmp_path / name, name)


def test_a_whole_file(tmp_path: Path) -> None:
    legacy = {"path": "apps/legacy/**", "expires": date(2027, 1, 31), "reason": "goes away with the old cluster"}
    at = Location("fluxdoctor.toml", 13)
    assert of(tmp_path, WHOLE) == Settings(
        file="fluxdoctor.toml",
        baseline_name="known/findings.json",
        fail_on=Setting("warning", "fluxdoctor.toml:2"),
        baseline=Setting(tmp_path / "known/findings.json", "fluxdoctor.toml:3"),
        select=Setting(("helm", "kustomize/*"), "fluxdoctor.toml:6"),
        without=Setting(("helm/values-refused",), "fluxdoctor.toml:7"),
        severities=(
            ("helm/*", Setting(Severity.WARNING, "fluxdoctor.toml:10")),
            ("helm/chart-version-missing", Setting(Severity.ERROR, "fluxdoctor.toml:11")),
        ),
        ignores=(
            Ignore("settings", "kustomize/path-not-found", at=at, **legacy),  # type: ignore[arg-type]
            Ignore("settings", "kustomize/build-failed", at=at, **legacy),  # type: ignore[arg-type]
            Ignore("settings", "*", "", Location("fluxdoctor.toml", 19), "", "HelmRelease/shop/*", "clusters/staging",
                   date(2027, 2, 28)),
        ),
    )  # fmt: skip


def test_the_table_of_a_project_file(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\n\n[tool.fluxdoctor]\nfail-on = "info"\n[[tool.fluxdoctor.ignore]]\nrule = "helm"\n'
    found = of(tmp_path, text, "pyproject.toml")
    assert found == Settings(
        file="pyproject.toml",
        fail_on=Setting("info", "pyproject.toml:5"),
        ignores=(Ignore("settings", "helm", at=Location("pyproject.toml", 6)),),
    )


def test_an_id_wins_over_a_glob_and_a_longer_glob_over_a_shorter(tmp_path: Path) -> None:
    text = '[severity]\n"helm/chart-version-missing" = "error"\n"helm/chart-*" = "info"\n"helm" = "warning"\n'
    found = of(tmp_path, text)
    names = ("helm/chart-version-missing", "helm/chart-x", "helm/y", "oci/z")
    assert [found.severity(name) for name in names] == [Severity.ERROR, Severity.INFO, Severity.WARNING, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fail-on = \n", ":1: not TOML: Invalid value"),
        ('\nfail_on = "error"\n', ":2: unknown key 'fail_on'; did you mean fail-on?"),
        ('zzz = "error"\n', ":1: unknown key 'zzz'; known: fail-on, baseline, rules, severity, ignore"),
        ('fail-on = "warn"\n', ":1: fail-on 'warn' is invalid; valid: error, warning, info, never"),
        ("[rules]\n\nselekt = []\n", ":3: unknown key 'selekt'; did you mean select?"),
        ("[rules]\nselect = 3\n", ':2: select must be a list of non-empty strings, such as ["helm/*"]'),
        ("rules = 3\n", ":1: rules must be a table; use [rules]"),
        ('[severity]\nhelm = "fatal"\n', ":2: severity 'fatal' of helm is invalid; valid: error, warning, info"),
        ('ignore = ["helm"]\n', ":1: ignore must be a list of tables; use [[ignore]] with rule and reason. To exclude "
                                "rules, use ignore in [rules]"),
        ('[[ignore]]\nrule = "a/b"\n[[ignore]]\nrul = "x"\n', ":4: unknown key 'rul'; did you mean rule?"),
        ('[[ignore]]\nreason = "so"\n', ":1: [[ignore]] would hide everything: set at least one of rule, path, object, cluster"),
        ('[[ignore]]\nrule = "a/b"\nexpires = "soon"\n', ":3: expires must be a date, such as 2027-01-31: the last day on which the ignore is in force"),
        ('[[ignore]]\nrule = "a/b"\nexpires = 2027-01-31T10:00:00Z\n',
         ":3: expires must be a date, such as 2027-01-31: the last day on which the ignore is in force"),
        ('[[ignore]]\npath = ""\n', ':2: path must be a non-empty string, such as "apps/legacy/**"'),
        ('[[ignore]]\nrule = "a/b"\nobject = "web"\n',
         """:3: object 'web' matches no object; use Kind/namespace/name, or a glob such as "HelmRelease/shop/*\""""),
        ("fail-on = " + "9" * 5000, ": not TOML: a number of more than 4300 digits"),
        ("fail-on = " + "[" * 9000, ": not TOML: nested too deeply"),
        ("\n" + "a." * 40 + "a = 1", ":2: not TOML: a key of more than 32 parts"),
        ("[" + '"a b" . ' * 40 + "a]", ":1: not TOML: a key of more than 32 parts"),
        ("x = {" + "'a'." * 200_000 + "a = 1}", ":1: not TOML: a key of more than 32 parts"),
        ("baseline = true\n", ':1: baseline must be a non-empty string, such as "fluxdoctor-baseline.json"'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        of(tmp_path, text)
    assert str(error.value) == f"{tmp_path / 'fluxdoctor.toml'}{said}"


def test_a_rule_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    ids = [r.id for r in rules().rules]
    check_rules(of(tmp_path, WHOLE.replace("kustomize/build-failed", "kustomize")), ids)
    wrong = of(tmp_path, '[[ignore]]\nrule = "kustomize/path-not-fond"\nreason = "x"\n')
    with pytest.raises(SettingsError) as error:
        check_rules(wrong, ids)
    assert str(error.value).startswith(
        "fluxdoctor.toml:1: no rule matches 'kustomize/path-not-fond'; did you mean kustomize/path-not-found"
    )


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "b.toml").write_text('fail-on = "error"\n[rules\n')
    (tmp_path / "c.toml").write_text('fail-on = "error')
    (tmp_path / "d").mkdir()
    (tmp_path / "d/pyproject.toml").write_text("tool = [1]\n")
    said = []
    for name in ("none.toml", "a.toml", "b.toml", "c.toml", "pyproject.toml", "d/pyproject.toml"):
        with pytest.raises(SettingsError) as error:
            read(tmp_path / name)
        said.append(str(error.value).removeprefix(f"{tmp_path}/"))
    assert said == [
        "none.toml: No such file or directory", "a.toml: not UTF-8, which TOML requires",
        "b.toml:2: not TOML: Expected ']' at the end of a table declaration",
        "c.toml: not TOML: Unterminated string (at end of document)",
        "pyproject.toml: has no table [tool.fluxdoctor]", "d/pyproject.toml: has no table [tool.fluxdoctor]",
    ]  # fmt: skip


def test_found_upward_to_the_root_of_the_repository(tmp_path: Path) -> None:
    repository, inner = tmp_path / "fleet", tmp_path / "fleet/apps/shop"
    inner.mkdir(parents=True)
    (tmp_path / "fluxdoctor.toml").touch()
    assert find.find(inner) is None  # no repository: nobody decided for this folder
    (repository / ".git").mkdir()
    assert find.find(inner) is None  # above the repository
    (repository / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert find.find(inner) is None  # of other programs
    (repository / "pyproject.toml").write_text("[tool.fluxdoctor]\n")
    assert find.find(inner) == (repository / "pyproject.toml", "pyproject.toml")
    (repository / "fluxdoctor.toml").touch()
    assert find.find(inner) == (repository / "fluxdoctor.toml", "fluxdoctor.toml")
    (repository / "apps/fluxdoctor.toml").touch()
    assert find.find(inner) == (repository / "apps/fluxdoctor.toml", "apps/fluxdoctor.toml")
    assert find.find(repository) == (repository / "fluxdoctor.toml", "fluxdoctor.toml")


def test_a_link_out_of_the_repository_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "fleet/.git").mkdir(parents=True)
    (tmp_path / "outside.toml").touch()
    (tmp_path / "fleet/fluxdoctor.toml").symlink_to(tmp_path / "outside.toml")
    assert find.find(tmp_path / "fleet") is None


def test_lines_of_tables_keys_and_inline_tables() -> None:
    text = 'a.b = 1\n[c."d.e"]\nf = """\nx = 1\n"""\n[[g]]\n[[g]] # two\nh = { i = 1 }\n  [g.j]\n  k = 2\n'
    found = places.lines(text)
    asked: list[places.KeyPath] = [("a", "b"), ("c", "d.e", "f"), ("g", 0), ("g", 1, "h", "i"), ("g", 1), ("z",)]
    assert [places.nearest(found, path) for path in asked] == [1, 3, 6, 8, 7, 0]
