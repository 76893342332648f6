"""Every regular expression of ours takes linear time on any text, and no other is run by Python's engine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fluxdoctor import rule
from tests.helpers import adversarial, linear, patterns

_ROOT = Path(__file__).parents[2]
#: Calls whose pattern is made during the run. Each is made of texts of ours, or of a text that ``re.escape`` has quoted.
_MADE = {
    ("fluxdoctor.collect.git.answers", "p"),
    ("fluxdoctor.intake.ignore", "groups"),
    ("fluxdoctor.intake.redact", "f'(?<![^\\\\W_])(?:{alternatives})(?![^\\\\W_])'"),
    ("fluxdoctor.intake.secrets", "expected"),
    ("fluxdoctor.intake.token_shapes", "expression"),
    ("fluxdoctor.repository.build.document", "_FIELD % name"),
    ("fluxdoctor_rules.cluster.namespace_terminating", None),
    ("fluxdoctor_rules.helm._values", None),
    ("fluxdoctor_rules.kustomize.patch_failed", None),
}


def test_no_pattern_of_a_user_runs_in_python() -> None:
    calls = patterns.collect()[1]
    known = {(module, None) for module, argument in _MADE if argument is None}
    made = {
        (c.where, None) if (c.where, None) in known and "re.escape" in _source(c.where) else (c.where, c.argument)
        for c in calls
    }
    assert made == _MADE


def _source(module: str) -> str:
    path = _ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return (path if path.exists() else _ROOT / "rules" / path.relative_to(_ROOT)).read_text("utf-8")


def test_every_pattern_of_ours_is_linear() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (_ROOT, _ROOT / "rules")))}
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.linear"], cwd=_ROOT, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_the_collection_has_the_patterns_of_every_module() -> None:
    found, _ = patterns.collect()
    by_use = {use: sum(p.use == use for p in found) for use in ("match", "search", "finditer")}
    assert len(found) > 250
    assert min(by_use.values()) > 20
    names = {p.where for p in found}
    assert {"fluxdoctor.intake.redact._PATTERNS", "fluxdoctor_rules.helm.wait_timeout._LISTED"} <= names


def test_the_patterns_of_pages_are_compiled_by_re2() -> None:
    compiled = [p for page in rule.load_pack("fluxdoctor_rules") for p in page.patterns]
    assert len(compiled) > 400
    assert {type(p).__module__ for p in compiled} == {"re2"}


@pytest.mark.parametrize(
    ("expression", "use"),
    [
        (r"\w+ failed", "search"), (r"a.*b.*c", "search"), (r"(\s*);", "finditer"), (r"(?:a|a)*b", "match"),
        (r"\[[^\]]*[^\]\d][^\]]*\]", "search"), (r"x(?:a+)+y", "match"), (r"GET .*?x .*?y", "search"),
    ],
)  # fmt: skip
def test_a_pattern_that_is_not_linear_is_found(expression: str, use: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "_LIMIT", 2)
    assert linear.slow(patterns.Pattern("here", re.compile(expression, re.S), use))


@pytest.mark.parametrize("expression", [r"(?<!\w)\w++ failed", r"a[^b]{0,100}?b", r"(?<![a-z])[a-z]*+;"])
def test_a_linear_pattern_is_not_found(expression: str) -> None:
    assert linear.slow(patterns.Pattern("here", re.compile(expression), "search")) == ""


def test_the_texts_almost_match() -> None:
    texts = set(adversarial.texts(re.compile(r'open "(?P<file>[^"]+)": not found'), 40))
    assert 'open "a": not foundopen "a": not found' in texts
    assert 'open "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' in texts
