"""The digest of a HelmRelease's values as helm-controller computes it, for values so plain that their YAML is beyond doubt.

helm-controller keeps in ``status.lastAttemptedConfigDigest`` the digest of the merged values, written as sorted YAML
(fluxcd/pkg chartutil). Where anything is not plain (quoted text, lists, targetPath, a Secret), the answer is None.
"""

import hashlib
import re

from fluxdoctor import Cluster, Fields, Ref, Resource

Values = dict[str, "bool | int | str | Values"]
_LINE = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9_-]*):(?: +(?P<value>[^\s#].*?))? *")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"))
_LONGEST = 60


class Unsure(Exception):  # noqa: N818 - it is no error: the answer is not known
    """The values hold something that is not plain."""


def digest(release: Resource, cluster: Cluster) -> str | None:
    """Return the digest of the values that the spec means now, or None where it cannot be told for sure."""
    try:
        values: Values = {}
        for row in release.rows("spec.valuesFrom"):
            _merge(values, _from(row, release, cluster))
        _merge(values, _checked(release.get("spec.values") or {}))
        text = "".join(_written(values, 0))
    except (Unsure, RecursionError):
        return None
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _from(row: Fields, release: Resource, cluster: Cluster) -> Values:
    found = cluster.look(Ref(row.text("kind"), release.namespace, row.text("name")))
    if found.absent and row.flag("optional"):
        return {}
    text = found.resource.text(("data", row.text("valuesKey", "values.yaml"))) if found.resource else ""
    if row.text("kind") != "ConfigMap" or row.has("targetPath") or not text:
        raise Unsure
    return _read(text)


def _read(text: str) -> Values:
    """Read block mappings of plain scalars, and nothing else of YAML."""
    top: Values = {}
    open_: list[tuple[int, Values]] = [(-1, top)]
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#") or line == "---":
            continue
        found = _LINE.fullmatch(line)
        if not found:
            raise Unsure
        indent, key, value = len(found["indent"]), found["key"], found["value"]
        while indent <= open_[-1][0]:
            open_.pop()
        if value is None:
            inner: Values = {}
            open_[-1][1][key] = inner
            open_.append((indent, inner))
        else:
            open_[-1][1][key] = _scalar(value)
    return top


def _scalar(text: str) -> bool | int | str:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if _NUMBER.fullmatch(text) else _plain(text)


def _plain(text: str) -> str:
    if len(text) > _LONGEST or not _PLAIN.fullmatch(text) or text.lower() in _WORDS:
        raise Unsure
    return text


def _checked(body: object) -> Values:
    if not isinstance(body, dict):
        raise Unsure
    found: Values = {}
    for key, value in body.items():
        if isinstance(value, dict):
            found[_plain(str(key))] = _checked(value)
        elif isinstance(value, bool) or (isinstance(value, int) and value >= 0):
            found[_plain(str(key))] = value
        elif isinstance(value, str):
            found[_plain(str(key))] = _plain(value)
        else:
            raise Unsure
    return found


def _merge(into: Values, values: Values) -> None:
    for key, value in values.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        else:
            into[key] = value


def _written(values: Values, depth: int) -> list[str]:
    lines: list[str] = []
    for key in sorted(values):
        value, pad = values[key], "  " * depth
        if isinstance(value, dict):
            lines += [f"{pad}{key}:\n", *_written(value, depth + 1)] if value else [f"{pad}{key}: {{}}\n"]
        else:
            lines.append(f"{pad}{key}: {str(value).lower() if isinstance(value, bool) else value}\n")
    return lines
