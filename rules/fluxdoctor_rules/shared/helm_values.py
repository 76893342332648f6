"""The digest of a HelmRelease's values as helm-controller computes it, for plain values only.

helm-controller stores the digest of the merged values in ``status.lastAttemptedConfigDigest``. It hashes them as sorted YAML
(fluxcd/pkg chartutil). Quoted text, lists, targetPath and Secrets are not plain: their YAML cannot be predicted.
"""

import hashlib
import re

from fluxdoctor import Cluster, Fields, Ref, Resource

Values = dict[str, "bool | int | str | Values"]
_LINE = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9_-]*):(?: ++(?P<value>[^\s#](?:.*[^ ])?))? *+")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"))
_LONGEST = 60


class Unsure(Exception):  # noqa: N818 - not an error: the digest is unknown
    """The values contain something that is not plain."""


def digest(release: Resource, cluster: Cluster) -> str | None:
    """Return the digest of the values that the current spec results in; None if they are not plain."""
    try:
        values: Values = {}
        for row in release.rows("spec.valuesFrom"):
            _merge(values, _from(row, release, cluster))
        _merge(values, _plain_values(release.get("spec.values") or {}))
        text = "".join(_yaml(values, 0))
    except (Unsure, RecursionError):
        return None
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _from(row: Fields, release: Resource, cluster: Cluster) -> Values:
    lookup = cluster.look(Ref(row.text("kind"), release.namespace, row.text("name")))
    if lookup.absent and row.flag("optional"):
        return {}
    text = lookup.resource.text(("data", row.text("valuesKey", "values.yaml"))) if lookup.resource else ""
    if row.text("kind") != "ConfigMap" or row.has("targetPath") or not text:
        raise Unsure
    return _read(text)


def _read(text: str) -> Values:
    """Read block mappings of plain scalars. Raises Unsure for any other YAML."""
    top: Values = {}
    open_: list[tuple[int, Values]] = [(-1, top)]
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#") or line == "---":
            continue
        match = _LINE.fullmatch(line)
        if not match:
            raise Unsure
        indent, key, value = len(match["indent"]), match["key"], match["value"]
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


def _plain_values(body: object) -> Values:
    if not isinstance(body, dict):
        raise Unsure
    values: Values = {}
    for key, value in body.items():
        if isinstance(value, dict):
            values[_plain(str(key))] = _plain_values(value)
        elif isinstance(value, bool) or (isinstance(value, int) and value >= 0):
            values[_plain(str(key))] = value
        elif isinstance(value, str):
            values[_plain(str(key))] = _plain(value)
        else:
            raise Unsure
    return values


def _merge(into: Values, values: Values) -> None:
    for key, value in values.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        else:
            into[key] = value


def _yaml(values: Values, depth: int) -> list[str]:
    lines: list[str] = []
    for key in sorted(values):
        value, pad = values[key], "  " * depth
        if isinstance(value, dict):
            lines += [f"{pad}{key}:\n", *_yaml(value, depth + 1)] if value else [f"{pad}{key}: {{}}\n"]
        else:
            lines.append(f"{pad}{key}: {str(value).lower() if isinstance(value, bool) else value}\n")
    return lines
