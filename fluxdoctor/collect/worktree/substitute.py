"""Variables of spec.postBuild, as kustomize-controller 1.9 replaces them (fluxcd/pkg envsubst): ``${NAME}`` and its defaults.

A variable whose value the repository does not tell stays as it is written, ``${NAME}``: whoever reads a value with ``${``
in it knows that it is not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SWITCH = "kustomize.toolkit.fluxcd.io/substitute"
_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE = re.compile(rf"(?P<escaped>\$\$\{{)|\$\{{(?P<name>{_NAME})(?:(?P<op>:?[-=])(?P<default>[^{{}}]*))?\}}")
_OPEN = re.compile(r"\$\{|\{\{|\{%|<<|#\{|__[A-Z][A-Z_]*__")
_OFF = re.compile(rf"{re.escape(SWITCH)}: [\"']?disabled\b")
_ESCAPED = "\ue000{"


@dataclass(frozen=True)
class Variables:
    """What a Kustomization replaces. ``open``: some come from where the repository cannot tell (a Secret, the cluster)."""

    known: Mapping[str, str] = field(default_factory=dict)
    open: bool = False
    active: bool = False
    """There is a spec.postBuild with variables: without one nothing is replaced (kustomize-controller before 2.9 too)."""


def unknown(value: object) -> bool:
    """Tell whether a value holds a variable, or the placeholder of a template, that nothing in the repository fills."""
    return isinstance(value, str) and _OPEN.search(value) is not None


def apply(text: str, variables: Variables) -> str:
    """Replace the variables in the YAML of one object."""
    if not variables.active or "$" not in text or _OFF.search(text):
        return text
    before = ""
    while before != text:  # a default may name a variable: ${A:=${B}} is resolved from the inside
        before, text = text, _VARIABLE.sub(lambda m: _value(m, variables), text)
    return text.replace(_ESCAPED, "${")


def _value(found: re.Match[str], variables: Variables) -> str:
    if found["escaped"]:
        return _ESCAPED
    name, default = found["name"], found["default"]
    value = variables.known.get(name)
    if value is not None and (value or default is None or not found["op"].startswith(":")):
        return value.replace("${", _ESCAPED)  # what a variable holds is not looked through again
    if variables.open:
        return f"{_ESCAPED}{found[0][2:]}"  # it may have a value in the cluster
    return default if default is not None else ""
