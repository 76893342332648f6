"""Variables of spec.postBuild, as kustomize-controller 1.9 replaces them in the text of each built object.

A variable whose value the repository does not tell stays as it is written, ``${NAME}``: whoever reads a value with ``${``
in it knows that it is not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fluxdoctor.repository.build import envsubst

SWITCH = "kustomize.toolkit.fluxcd.io/substitute"
_OPEN = re.compile(r"\$\{|\{\{|\{%|<<|#\{|__[A-Z][A-Z_]*__")
_OFF = re.compile(rf"{re.escape(SWITCH)}: [\"']?disabled\b")


@dataclass(frozen=True)
class Variables:
    """What a Kustomization replaces. ``open``: some come from where the repository cannot tell (a Secret, the cluster)."""

    known: Mapping[str, str] = field(default_factory=dict)
    open: bool = False
    active: bool = False
    """Something is replaced: there are variables, or substituteStrategy is Always (kustomize-controller 1.9)."""

    def value(self, expression: envsubst.Expression) -> str | None:
        """Return the value of an expression's variable, "" where it has none, None where that is not known."""
        value = self.known.get(expression.name)
        if value is not None:
            return value
        return None if self.open else ""


def unknown(value: object) -> bool:
    """Tell whether a value holds a variable, or the placeholder of a template, that nothing in the repository fills."""
    return isinstance(value, str) and _OPEN.search(value) is not None


def apply(text: str, variables: Variables) -> str:
    """Replace the variables in the YAML of one object; a text that Flux cannot read stays as it is."""
    if not _replaces(text, variables):
        return text
    try:
        parts = envsubst.parse(text)
    except envsubst.SubstitutionError:
        return text
    return "".join([p if type(p) is str else envsubst.evaluate(p, variables.value) for p in parts])


def syntax_fault(text: str, variables: Variables) -> str:
    """Return why the variables of a text cannot be replaced, whatever their values are; "" where they can."""
    if not (variables.known and _replaces(text, variables)):
        return ""
    try:
        envsubst.parse(text)
    except envsubst.SubstitutionError as error:
        return f"envsubst error: variable substitution failed: {error}"
    return ""


def undefined(text: str, variables: Variables) -> str:
    """Return the first variable without a value and a default: an error where Flux replaces strictly; "" for none."""
    if variables.open or not _replaces(text, variables):
        return ""
    try:
        needed = envsubst.needed(text)
    except envsubst.SubstitutionError:
        return ""
    return next((name for name in needed if name not in variables.known), "")


def _replaces(text: str, variables: Variables) -> bool:
    return variables.active and "$" in text and not (SWITCH in text and _OFF.search(text))
