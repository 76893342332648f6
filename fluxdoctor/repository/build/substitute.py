"""Replaces the variables of spec.postBuild in the text of each built object, as kustomize-controller 1.9 does.

A variable whose value the repository does not contain stays as it is written, ``${NAME}``. ``unknown`` recognises such a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fluxdoctor.repository.build import envsubst

SWITCH = "kustomize.toolkit.fluxcd.io/substitute"
_PLACEHOLDER = re.compile(r"\$\{|\{\{|\{%|<<|#\{|__[A-Z][A-Z_]*__")
_SWITCHED_OFF = re.compile(rf"{re.escape(SWITCH)}: [\"']?disabled\b")


@dataclass(frozen=True)
class Variables:
    """The variables of a Kustomization."""

    values: Mapping[str, str] = field(default_factory=dict)
    is_open: bool = False
    """Some variables come from outside of the repository (a Secret, the cluster)."""
    is_active: bool = False
    """Substitution runs: there are variables, or substituteStrategy is Always (kustomize-controller 1.9)."""

    def value(self, expression: envsubst.Expression) -> str | None:
        """Return the value of an expression's variable, "" if it has none, None if the value is unknown."""
        value = self.values.get(expression.name)
        if value is not None:
            return value
        return None if self.is_open else ""


def unknown(value: object) -> bool:
    """Tell whether a value contains a variable, or a placeholder of a template, that nothing in the repository fills."""
    return isinstance(value, str) and _PLACEHOLDER.search(value) is not None


def apply(text: str, variables: Variables) -> str:
    """Replace the variables in the YAML of one object. A text that Flux cannot parse stays as it is."""
    if not _is_replaced(text, variables):
        return text
    try:
        parts = envsubst.parse(text)
    except envsubst.SubstitutionError:
        return text
    return "".join([p if type(p) is str else envsubst.evaluate(p, variables.value) for p in parts])


def syntax_fault(text: str, variables: Variables) -> str:
    """Return why substitution fails for all values, or ""."""
    if not (variables.values and _is_replaced(text, variables)):
        return ""
    try:
        envsubst.parse(text)
    except envsubst.SubstitutionError as error:
        return f"envsubst error: variable substitution failed: {error}"
    return ""


def undefined(text: str, variables: Variables) -> str:
    """Return the first variable without a value or a default, or "". In strict mode it is an error."""
    if variables.is_open or not _is_replaced(text, variables):
        return ""
    try:
        names = envsubst.required_names(text)
    except envsubst.SubstitutionError:
        return ""
    return next((name for name in names if name not in variables.values), "")


def _is_replaced(text: str, variables: Variables) -> bool:
    return variables.is_active and "$" in text and not (SWITCH in text and _SWITCHED_OFF.search(text))
