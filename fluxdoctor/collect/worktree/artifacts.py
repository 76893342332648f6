"""The artifacts that source-watcher makes of this repository: the files that an ArtifactGenerator copies (2.2)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping

from fluxdoctor.model.facts import clean
from fluxdoctor.model.resource import Fields, Ref, Resource

_WILD = frozenset("*?[{")


def of(
    generator: Resource, source: Ref, paths: Callable[[str], tuple[str, ...]]
) -> Iterator[tuple[Ref, dict[str, str]]]:
    """Yield each artifact whose copies can be followed: where it is, and path in it -> path in the source.

    ``source``: the one that is this repository; ``paths``: the files below a folder of it, or the file itself.
    """
    aliases = {row.text("alias") for row in generator.rows("spec.sources") if _names(row, generator) == source}
    for artifact in generator.rows("spec.artifacts"):
        files: dict[str, str] = {}
        rows = artifact.rows("copy")
        if rows and all(_copy(row, aliases, paths, files) for row in rows):
            yield Ref("ExternalArtifact", generator.namespace, artifact.text("name")), files


def _names(row: Fields, generator: Resource) -> Ref:
    return Ref(row.text("kind"), row.text("namespace") or generator.namespace, row.text("name"))


def _copy(row: Fields, aliases: set[str], paths: Callable[[str], tuple[str, ...]], files: dict[str, str]) -> bool:
    alias, _, wanted = row.text("from").removeprefix("@").partition("/")
    target, _, into = row.text("to").removeprefix("@").partition("/")
    folder = wanted.removesuffix("**")
    plain = not _WILD & set(folder) and not row.has("exclude") and not row.has("strategy")
    if alias not in aliases or target != "artifact" or not plain:
        return False
    base = clean(folder)
    if wanted.endswith(("/", "/**")) or not wanted or wanted == "**":
        files |= {posixpath.join(clean(into), p.removeprefix(base).lstrip("/")): p for p in paths(base)}
        return True
    if paths(base) != (base,):
        return False  # a folder without a slash is put into the target, or takes its place: not told apart here
    files[posixpath.join(clean(into), posixpath.basename(base)) if into.endswith("/") or not into else clean(into)] = (
        base
    )
    return True


def places(artifacts: Mapping[Ref, Mapping[str, str]]) -> dict[str, str]:
    """Return where the files of artifacts stand in the source, by their path in the artifact."""
    found: dict[str, str] = {}
    for files in artifacts.values():
        for path, place in files.items():
            found.setdefault(path, place)
    return found
