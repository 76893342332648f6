"""Finds the commit of a GitRepository: the one in its status, else the one that spec.ref resolves to on the remote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from fluxdoctor.model import semver
from fluxdoctor.model.resource import Resource

_MIN_DOTS = 2
HEADS, TAGS, PEELED = "refs/heads/", "refs/tags/", "^{}"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def commit_of(revision: str) -> str:
    """Return the commit in a revision, or "".

    source-controller writes ``main@sha1:<commit>``, ``sha1:<commit>`` or ``refs/...@sha1:<commit>``; before Flux 2.0
    ``main/<commit>`` (TransformRevision in fluxcd/pkg/git v0.52).
    """
    last = re.split(r"[@/:]", revision)[-1]
    return last if _COMMIT.fullmatch(last) else ""


def tree_commit(source: Resource, refs: Mapping[str, str]) -> str:
    """Return the commit of the source's tree: of its artifact, else of spec.ref; "" if neither has one."""
    return commit_of(source.text("status.artifact.revision")) or resolve(source, refs)


def resolve(source: Resource, refs: Mapping[str, str]) -> str:
    """Return the commit that spec.ref resolves to, or "".

    The order is that of Clone in fluxcd/pkg/git/gogit v0.52: commit, name, tag, semver, branch (the API's own comment
    puts semver before tag, the code does not). Without any of them the branch is master.
    """
    ref = source.fields("spec.ref")
    if commit := ref.text("commit"):
        return commit if _COMMIT.fullmatch(commit) else ""
    if name := ref.text("name"):
        return _commit_at(refs, name.removesuffix(PEELED))
    if tag := ref.text("tag"):
        return _commit_at(refs, TAGS + tag)
    if constraint := ref.text("semver"):
        return _newest_tag_commit(refs, constraint)
    return _commit_at(refs, HEADS + (ref.text("branch") or "master"))


def _commit_at(refs: Mapping[str, str], name: str) -> str:
    """Return the commit of a ref. An annotated tag points to a tag object; its commit is listed under the name with ``^{}``."""
    return refs.get(name + PEELED) or refs.get(name, "")


def _newest_tag_commit(refs: Mapping[str, str], constraint: str) -> str:
    """Return the commit of the newest tag that satisfies the constraint, or "".

    Only tags with two dots or more count (ParseVersion in fluxcd/pkg/version). If several tags differ only in build metadata,
    the controller takes the one with the latest commit; commit times are not known here, so the result is "".
    """
    tags = [n.removeprefix(TAGS) for n in refs if n.startswith(TAGS) and not n.endswith(PEELED)]
    try:
        fitting = semver.satisfying(constraint, [tag for tag in tags if tag.count(".") >= _MIN_DOTS])
    except semver.InvalidConstraint:
        return ""
    if not fitting:
        return ""
    commits = {
        _commit_at(refs, TAGS + tag) for tag in fitting if semver.Version.parse(tag) == semver.Version.parse(fitting[0])
    }
    return commits.pop() if len(commits) == 1 else ""


def ref_name(source: Resource) -> str:
    """Return the full ref in spec.ref.name, or ""."""
    return source.text("spec.ref.name").removesuffix(PEELED)


def read_refs(output: bytes) -> dict[str, str]:
    """Parse the output of ls-remote: ref -> commit, in the order of the remote."""
    return dict(_parse_lines(output.decode("utf-8", "replace").splitlines()))


def _parse_lines(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        commit, tab, name = line.partition("\t")
        if tab and _COMMIT.fullmatch(commit) and name.isprintable():
            yield name, commit


def bounded_refs(refs: Mapping[str, str], names: Iterable[str], most: int = 20_000) -> dict[str, str]:
    """Return at most ``most`` refs, or else only branches, tags and ``names``: pull requests can be very many."""
    if len(refs) <= most:
        return dict(refs)
    always = {"HEAD", *names}
    return {n: c for n, c in refs.items() if n.startswith((HEADS, TAGS)) or n in always}
