"""Which commit a GitRepository means: what its status names, else what spec.ref leads to on the remote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from fluxdoctor.model import semver
from fluxdoctor.model.resource import Resource

_DOTS = 2
HEADS, TAGS, PEELED = "refs/heads/", "refs/tags/", "^{}"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def commit_of(revision: str) -> str:
    """Return the commit that a revision names, or "".

    source-controller writes ``main@sha1:<commit>``, ``sha1:<commit>`` or ``refs/...@sha1:<commit>``; before Flux 2.0
    ``main/<commit>`` (TransformRevision in fluxcd/pkg/git v0.52).
    """
    last = re.split(r"[@/:]", revision)[-1]
    return last if _COMMIT.fullmatch(last) else ""


def wanted(source: Resource, refs: Mapping[str, str]) -> str:
    """Return the commit whose tree is that of the source: of its artifact, else of spec.ref; "" where neither leads to one."""
    return commit_of(source.text("status.artifact.revision")) or resolve(source, refs)


def resolve(source: Resource, refs: Mapping[str, str]) -> str:
    """Return the commit that spec.ref leads to, or "".

    The order is that of Clone in fluxcd/pkg/git/gogit v0.52: commit, name, tag, semver, branch (the API's own comment
    puts semver before tag, the code does not), and master where nothing is said.
    """
    ref = source.fields("spec.ref")
    if commit := ref.text("commit"):
        return commit if _COMMIT.fullmatch(commit) else ""
    if name := ref.text("name"):
        return _at(refs, name.removesuffix(PEELED))
    if tag := ref.text("tag"):
        return _at(refs, TAGS + tag)
    if constraint := ref.text("semver"):
        return _newest(refs, constraint)
    return _at(refs, HEADS + (ref.text("branch") or "master"))


def _at(refs: Mapping[str, str], name: str) -> str:
    """An annotated tag points to a tag object; what it leads to is listed under its name and ``^{}``."""
    return refs.get(name + PEELED) or refs.get(name, "")


def _newest(refs: Mapping[str, str], constraint: str) -> str:
    """Of the tags with two dots or more (ParseVersion in fluxcd/pkg/version) the newest that fits.

    Where several tags are one version but for build metadata the controller takes the one with the latest commit: that
    is not known here, so nothing is said.
    """
    tags = [n.removeprefix(TAGS) for n in refs if n.startswith(TAGS) and not n.endswith(PEELED)]
    try:
        fitting = semver.satisfying(constraint, [tag for tag in tags if tag.count(".") >= _DOTS])
    except semver.InvalidConstraint:
        return ""
    if not fitting:
        return ""
    best = {_at(refs, TAGS + tag) for tag in fitting if semver.Version.parse(tag) == semver.Version.parse(fitting[0])}
    return best.pop() if len(best) == 1 else ""


def named(source: Resource) -> str:
    """Return the ref that spec.ref names in full, or ""."""
    return source.text("spec.ref.name").removesuffix(PEELED)


def read_refs(listed: bytes) -> dict[str, str]:
    """Read what ls-remote printed: ref -> commit, in the order of the remote."""
    return dict(_lines(listed.decode("utf-8", "replace").splitlines()))


def _lines(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        commit, tab, name = line.partition("\t")
        if tab and _COMMIT.fullmatch(commit) and name.isprintable():
            yield name, commit


def kept(refs: Mapping[str, str], names: Iterable[str], most: int = 20_000) -> dict[str, str]:
    """Leave out pull requests and the like where a remote lists very many refs; branches, tags and ``names`` stay."""
    if len(refs) <= most:
        return dict(refs)
    asked = {"HEAD", *names}
    return {n: c for n, c in refs.items() if n.startswith((HEADS, TAGS)) or n in asked}
