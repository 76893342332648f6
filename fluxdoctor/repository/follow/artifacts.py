"""The artifacts that are made of this repository.

Of the files that an ArtifactGenerator copies (source-watcher 2.2), and of a folder that is pushed to a registry.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from fluxdoctor.model.resource import Fields, Ref, Resource
from fluxdoctor.model.tree import Tree, clean

_WILD = frozenset("*?[{")
_SAME = re.compile(r"^(?:ssh://|https?://|oci://)?(?:[^@/]+@)?|(?:\.git)?/*$")
_SUBMODULE = re.compile(rb"^\s*path\s*=\s*(\S+)", re.M)


def plain(url: str) -> str:
    """Return what is the same of all addresses of one repository, whatever the protocol, user and ending."""
    text = _SAME.sub("", url.strip().lower())
    return text.replace(":", "/", 1) if "/" in text and ":" in text.partition("/")[0] else text


def grafts(source: Resource | None, tree: Tree) -> tuple[str, ...]:
    """Return the folders of a source that other repositories fill: what is below them is not in these files.

    ``spec.include`` puts an artifact into ``toPath``, by default a folder of the repository's name, and
    ``spec.recurseSubmodules`` fetches the submodules (source-controller 1.9).
    """
    if source is None:
        return ()
    included = [r.text("toPath") or r.text("repository.name") for r in source.rows("spec.include")]
    modules = _SUBMODULE.findall(tree.text(".gitmodules")) if source.flag("spec.recurseSubmodules") else []
    return tuple(clean(path) for path in (*included, *(m.decode("utf-8", "replace") for m in modules)))


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


def pushed(url: str, own: Iterable[str], path: str, tree: Tree) -> dict[str, str]:
    """Return the files of an OCI artifact that `flux push artifact` makes of a folder of this repository; {} for none.

    That it does is told by the artifact's address, which names the owner and the repository (``oci://ghcr.io/OWNER/.../NAME``
    for ``github.com/OWNER/NAME``), and by the one folder below which the path of a Kustomization is there.
    ``own``: the addresses of this repository.
    """
    words = url.lower().removeprefix("oci://").split("/")[1:]
    names = [tuple(u.lower().removesuffix(".git").rsplit("/", 2)[-2:]) for u in own]
    wanted = clean(path)
    if not wanted or not any(len(n) == 2 and set(n) <= set(words) for n in names):  # noqa: PLR2004 - owner and name
        return {}
    roots = [d[: -len(wanted)].rstrip("/") for d in tree.directories if f"/{d}".endswith(f"/{wanted}")]
    if len(roots) != 1:
        return {}
    return {p.removeprefix(f"{roots[0]}/") if roots[0] else p: p for p in tree.under(roots[0])}


def places(artifacts: Mapping[Ref, Mapping[str, str]]) -> dict[str, str]:
    """Return where the files of artifacts stand in the source, by their path in the artifact."""
    found: dict[str, str] = {}
    for files in artifacts.values():
        for path, place in files.items():
            found.setdefault(path, place)
    return found
