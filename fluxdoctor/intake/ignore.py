"""Decides which files source-controller excludes from an artifact: default exclusions, ``.sourceignore``, ``spec.ignore``.

This is the behaviour of source-controller v1.9.1 for a GitRepository and for an extracted OCIRepository. The sources are
``internal/controller/gitrepository_controller.go`` (reconcileArtifact), ``storage/archive.go`` of
``github.com/fluxcd/pkg/artifact`` v0.18.1 and ``github.com/fluxcd/pkg/sourceignore`` v0.18.0:

* The patterns of every ``.sourceignore`` come first, parents before children, then those of ``spec.ignore``.
  The last pattern that matches decides. A pattern applies only below its own folder.
* The version control exclusions always apply, unless a pattern includes a file again. The other default exclusions
  (extensions, CI, extra) apply only if there is no pattern at all: one line in any ``.sourceignore`` disables them.
* Every file is matched by its full path. Unlike in git, a file in an excluded folder can be included again.
* The syntax is go-git's with Go's ``filepath.Match``, not git's, so pathspec would give wrong results: ``[!a]``
  is ``!`` or ``a``, ``**/a/b`` tries only the first ``a``, ``/**`` and malformed patterns match nothing.

An artifact contains no symbolic links; a list of paths does not show them. A Bucket has different rules: only the
``.sourceignore`` of the root and ``spec.ignore`` apply, without default exclusions.

Method: the patterns of each folder compile to one regular expression with a group for each pattern, in reverse order. The
first group that matches a path is the pattern that decides.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_VCS = (".git/", ".gitignore", ".gitmodules", ".gitattributes")
_EXT = ("*.jpg", "*.jpeg", "*.gif", "*.png", "*.wmv", "*.flv", "*.tar.gz", "*.zip")
_CI = (".github/", ".circleci/", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml")
_CI_MORE = ("cloudbuild.yaml", "codeship-services.yml", "codeship-steps.yml")
_EXTRA = ("**/.goreleaser.yml", "**/.sops.yaml", "**/.flux.yaml")

# Stars, one character, a class ("[", "^", items or ranges of items, "]"), an escaped and a plain character.
_ITEM = r"(?:[^]\\-]|\\.)"
_TOKEN = re.compile(rf"(\*+)|(\?)|\[(\^?+)((?:{_ITEM}(?:-{_ITEM})?+)++)\]|\\(.)|([^\\\[*?])", re.DOTALL)
_RANGE = re.compile(rf"({_ITEM})(?:-({_ITEM}))?", re.DOTALL)
_NEVER = "(?!)"

_Rule = tuple[str, str]  # a pattern, and its origin (file, line and text)
_Scope = tuple[re.Pattern[str], tuple[str, ...]]  # a group for each rule; the origin of each, "" if it includes


def _class_expression(negated: str, items: str) -> str:
    pairs = [(low[-1], (high or low)[-1]) for low, high in _RANGE.findall(items)]
    # Go treats a reversed range as empty; Python rejects it.
    ranges = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in pairs if low <= high)
    return f"(?!/)[{negated}{ranges}]" if ranges else "[^/]" if negated else _NEVER


def _element_expression(glob: str) -> str:
    """Translate one path element of a pattern; a malformed glob matches nothing."""
    pieces, end = [""], 0
    while token := _TOKEN.match(glob, end):
        stars, single, negated, items, escaped, plain = token.groups()
        if stars:
            pieces.append("")
        elif items:
            pieces[-1] += _class_expression(negated, items)
        else:
            pieces[-1] += "[^/]" if single else re.escape(escaped or plain)
        end = token.end()
    # Between stars the first match can be final (atomic): the result is the same, without exponential time.
    inner = "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:-1])
    last = f"[^/]*{pieces[-1]}" if len(pieces) > 1 else ""
    return pieces[0] + inner + last if end == len(glob) > 0 else _NEVER


def _pattern_expression(pattern: str) -> str:
    """Translate a pattern without its "!". A pattern that matches a folder matches everything in it."""
    path = pattern.removesuffix("/")
    end = "/" if path != pattern else r"(?:/|\Z)"
    if "/" not in path:
        return f"(?:[^/]+/)*?{_element_expression(path)}{end}"
    steps, anywhere, parts = [], False, path.split("/")
    for part in parts[:-1] if parts[-1] == "**" else parts:
        if part not in {"", "**"}:
            name = _NEVER if "**" in part else _element_expression(part)
            steps.append(rf"(?>(?:[^/]+/)*?{name}(?=/|\Z))" if anywhere else name)
        anywhere = part == "**"
    return "/".join(steps) + end if steps else _NEVER


def _pattern_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the pattern of each line that has a pattern."""
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r")
        if line.strip() and not line.startswith("#"):
            yield number, line if line.endswith("\\ ") else line.rstrip(" ")


def _compile_scope(rules: Iterable[_Rule]) -> _Scope:
    """Compile rules to one expression, the last rule first: the first group that matches decides."""
    ranked = [*rules][::-1]
    groups = "|".join(f"({_pattern_expression(pattern.removeprefix('!'))})" for pattern, _ in ranked)
    return re.compile(groups or _NEVER, re.DOTALL), tuple("" if rule[0] == "!" else at for rule, at in ranked)


def excluded(paths: Iterable[str], sourceignore: Mapping[str, str], spec_ignore: str | None) -> dict[str, str]:
    """Map each file that is excluded from the artifact to the origin of the pattern that excludes it.

    ``paths`` are relative POSIX paths. ``sourceignore``: the text of each ``.sourceignore`` by its folder ("" is the root).
    """
    spec = [(rule, f"spec.ignore: {rule}") for _, rule in _pattern_lines(spec_ignore or "")]
    rules_by_folder = {
        folder: [(rule, f"{folder}/.sourceignore:{n}: {rule}".lstrip("/")) for n, rule in _pattern_lines(text)]
        for folder, text in sourceignore.items()
        if ".git" not in folder.split("/")
    }
    builtin = _VCS if spec or any(rules_by_folder.values()) else (*_VCS, *_EXT, *_CI, *_CI_MORE, *_EXTRA)
    default = [(rule, f"default: {rule}") for rule in builtin]
    spec_scope, root_scope = (0, _compile_scope(spec)), (0, _compile_scope([*default, *rules_by_folder.pop("", [])]))
    scopes = {folder: (len(folder) + 1, _compile_scope(rules)) for folder, rules in rules_by_folder.items() if rules}

    @cache
    def scopes_for(folder: str) -> list[tuple[int, _Scope]]:
        """Return the scopes of a file in this folder, highest priority first, each with the start of the path in it."""
        parts = folder.split("/")
        parents = ("/".join(parts[:depth]) for depth in range(len(parts), 0, -1))
        return [spec_scope, *(scopes[parent] for parent in parents if parent in scopes), root_scope]

    exclusions = {}
    for path in paths:
        for start, (expression, verdicts) in scopes_for(path.rpartition("/")[0]):
            if match := expression.match(path, start):
                if origin := verdicts[(match.lastindex or 1) - 1]:
                    exclusions[path] = origin
                break
    return exclusions
