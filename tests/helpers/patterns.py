"""Collects every regular expression of fluxdoctor and its rules, and how each is used."""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import fluxdoctor_rules

import fluxdoctor

_ROOTS = (Path(fluxdoctor.__file__).parent, Path(fluxdoctor_rules.__file__).parent)
_CALLS = ("compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn")
#: A use that looks at one position only, and those that look at every position again and again.
_ANCHORED, _REPEATED = {"match", "fullmatch"}, {"findall", "finditer", "sub", "subn", "split"}


@dataclass(frozen=True)
class Pattern:
    """An expression, where it is, and its use: ``match``, ``search`` or ``finditer``."""

    where: str
    expression: re.Pattern[Any]
    use: str


@dataclass(frozen=True)
class Foreign:
    """A call of ``re`` with a pattern that only the run knows."""

    where: str
    argument: str


def modules() -> Iterator[tuple[ModuleType, ast.Module]]:
    """Yield every module with its syntax tree."""
    for root in _ROOTS:
        for path in sorted(root.rglob("*.py")):
            name = ".".join((root.name, *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
            if name != "fluxdoctor.__main__":
                yield importlib.import_module(name), ast.parse(path.read_text("utf-8"))


def collect() -> tuple[list[Pattern], list[Foreign]]:
    """Return the patterns of the program, and the calls whose pattern cannot be known beforehand."""
    trees = list(modules())
    public = _uses(tree for _, tree in trees)
    patterns: list[Pattern] = []
    foreign: list[Foreign] = []
    for module, tree in trees:
        private = _uses([tree])
        for expression, name in _globals(vars(module), module.__name__):
            uses = private if name.startswith("_") else public
            patterns.append(Pattern(f"{module.__name__}.{name}", expression, _use(uses.get(name, {"search"}))))
        for call in _calls(tree):
            where = f"{module.__name__}:{call.lineno}"
            try:
                code = compile(ast.Expression(call.args[0]), where, "eval")
                flags = [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
                flags += call.args[1:2] if call.func.attr == "compile" else []  # type: ignore[attr-defined]
                values = [eval(compile(ast.Expression(flag), where, "eval"), vars(module)) for flag in flags]  # noqa: S307
                expression = re.compile(eval(code, vars(module)), *values)  # noqa: S307 - our own source
            except NameError:
                foreign.append(Foreign(module.__name__, ast.unparse(call.args[0])))
            else:
                method = call.func.attr  # type: ignore[attr-defined]
                if method != "compile":
                    patterns.append(Pattern(where, expression, _use({method})))
    return list({(p.expression, p.use): p for p in patterns}.values()), foreign


def _use(methods: set[str]) -> str:
    if methods & _REPEATED:
        return "finditer"
    return "match" if methods <= _ANCHORED else "search"


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CALLS
        if is_call and isinstance(node.func.value, ast.Name) and node.func.value.id == "re":  # type: ignore[attr-defined]
            yield node  # type: ignore[misc]


def _uses(trees: Iterable[ast.Module]) -> Mapping[str, set[str]]:
    """Return the methods that are called on each name, or search for a name that is only passed on."""
    uses: dict[str, set[str]] = defaultdict(set)
    for tree in trees:
        attributes = {
            id(n.value.value if isinstance(n.value, ast.Subscript) else n.value): n.attr
            for n in ast.walk(tree)
            if isinstance(n, ast.Attribute) and n.attr in _CALLS
        }
        for node in ast.walk(tree):
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if name.isupper() and not isinstance(getattr(node, "ctx", None), ast.Store):
                uses[name] |= {attributes[id(node)]} if id(node) in attributes else set()
    return {name: methods or {"search"} for name, methods in uses.items()}


def _globals(namespace: Mapping[str, Any], module: str) -> Iterator[tuple[re.Pattern[Any], str]]:
    for name, value in namespace.items():
        pending = [value]
        while pending:
            node = pending.pop()
            if isinstance(node, re.Pattern):
                yield node, name
            elif isinstance(node, Mapping) and name.isupper():
                pending += node.values()
            elif isinstance(node, list | tuple | set | frozenset) and name.isupper():
                pending += node
