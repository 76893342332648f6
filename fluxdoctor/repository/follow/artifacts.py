"""Follows artifacts that are made of this repository.

They are the outputs of an ArtifactGenerator (source-watcher 2.2), and folders that are pushed to an OCI registry.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from fluxdoctor.model.resource import Fields, Ref, Resource
from fluxdoctor.model.tree import Tree, clean

_WILDCARDS = frozenset("*?[{")
_VARIABLE_PARTS = re.compile(r"^(?:ssh://|https?://|oci://)?(?:[^@/]+@)?|(?:\.git)?/*$")
_SUBMODULE = re.compile(rb"^[ \t]*+path[ \t]*+=[ \t]*+(\S++)", re.M)


def normalize_url(url: str) -> str:
    """Return the part that all addresses of one repository share, without protocol, user and suffix."""
    text = _VARIABLE_PARTS.sub("", url.strip().lower())
    return text.replace(":", "/", 1) if "/" in text and ":" in text.partition("/")[0] else text


def external_folders(source: Resource | None, tree: Tree) -> tuple[str, ...]:
    """Return the folders of a source that other repositories fill: their files are not in this repository.

    ``spec.include`` puts an artifact into ``toPath``, by default a folder of the repository's name, and
    ``spec.recurseSubmodules`` fetches the submodules (source-controller 1.9).
    """
    if source is None:
        return ()
    includes = [r.text("toPath") or r.text("repository.name") for r in source.rows("spec.include")]
    has_modules = source.flag("spec.recurseSubmodules") and tree.is_file(".gitmodules")
    modules = _SUBMODULE.findall(tree.text(".gitmodules")) if has_modules else []
    return tuple(clean(path) for path in (*includes, *(m.decode("utf-8", "replace") for m in modules)))


def generated_by(
    generator: Resource, source: Ref, paths: Callable[[str], tuple[str, ...]]
) -> Iterator[tuple[Ref, dict[str, str]]]:
    """Yield each artifact of a generator whose copies can be followed, with its files: path -> path in the source.

    ``source``: the source that is this repository; ``paths``: returns the files below a folder of it, or the file itself.
    """
    aliases = {row.text("alias") for row in generator.rows("spec.sources") if _source_ref(row, generator) == source}
    for artifact in generator.rows("spec.artifacts"):
        files: dict[str, str] = {}
        rows = artifact.rows("copy")
        if rows and all(_add_copy(row, aliases, paths, files) for row in rows):
            yield Ref("ExternalArtifact", generator.namespace, artifact.text("name")), files


def _source_ref(row: Fields, generator: Resource) -> Ref:
    return Ref(row.text("kind"), row.text("namespace") or generator.namespace, row.text("name"))


def _add_copy(row: Fields, aliases: set[str], paths: Callable[[str], tuple[str, ...]], files: dict[str, str]) -> bool:
    """Add the files of one copy operation; return False if it cannot be followed."""
    alias, _, pattern = row.text("from").removeprefix("@").partition("/")
    target, _, destination = row.text("to").removeprefix("@").partition("/")
    folder = pattern.removesuffix("**")
    is_plain = not _WILDCARDS & set(folder) and not row.has("exclude") and not row.has("strategy")
    if alias not in aliases or target != "artifact" or not is_plain:
        return False
    base = clean(folder)
    if pattern.endswith(("/", "/**")) or not pattern or pattern == "**":
        files |= {posixpath.join(clean(destination), p.removeprefix(base).lstrip("/")): p for p in paths(base)}
        return True
    if paths(base) != (base,):
        return False  # a folder without a slash is copied into the target or replaces it: not distinguished here
    is_folder = destination.endswith("/") or not destination
    path = posixpath.join(clean(destination), posixpath.basename(base)) if is_folder else clean(destination)
    files[path] = base
    return True


def pushed_files(url: str, repository_urls: Iterable[str], path: str, tree: Tree) -> dict[str, str]:
    """Return the files of an OCI artifact that `flux push artifact` makes of a folder of this repository; {} for none.

    Two things identify such an artifact. Its address names the owner and the repository (``oci://ghcr.io/OWNER/.../NAME`` for
    ``github.com/OWNER/NAME``), and the path of the Kustomization exists below exactly one folder.
    """
    words = url.lower().removeprefix("oci://").split("/")[1:]
    names = [tuple(u.lower().removesuffix(".git").rsplit("/", 2)[-2:]) for u in repository_urls]
    folder = clean(path)
    if not folder or not any(len(n) == 2 and set(n) <= set(words) for n in names):  # noqa: PLR2004 - owner and name
        return {}
    roots = [d[: -len(folder)].rstrip("/") for d in tree.directories if f"/{d}".endswith(f"/{folder}")]
    if len(roots) != 1:
        return {}
    return {p.removeprefix(f"{roots[0]}/") if roots[0] else p: p for p in tree.under(roots[0])}


def source_paths(artifacts: Mapping[Ref, Mapping[str, str]]) -> dict[str, str]:
    """Return the paths of files in the source, by their path in an artifact."""
    result: dict[str, str] = {}
    for files in artifacts.values():
        for path, source_path in files.items():
            result.setdefault(path, source_path)
    return result
