"""The ref and the host of a GitRepository, and similar names on its remote."""

import re
from collections.abc import Iterable

from fluxdoctor import GitTrees, Resource, nearest, suggestion

HEADS, TAGS = "refs/heads/", "refs/tags/"
#: Messages of go-git for rejected credentials, over https and ssh.
REFUSED = re.compile(
    r"(?:unable to clone|unable to list remote for)[^']{0,100}'[^']*+': "
    r"(?:authentication required|authorization failed|invalid credentials)|ssh: unable to authenticate"
    r"|/info/refs[^\s/]*+ status code: 40[13]|HTTP Basic: Access denied|Invalid username or (?:password|token)"
)
NOT_FOUND = re.compile(
    r"unable to (?:clone|list remote for)[^']{0,100}(?:'[^']*+')?: .{0,1000}?"
    r"(?:[Rr]epository not found|/info/refs[^\s/]*+ status code: 404)",
    re.S,
)


_MOST, _SHOWN = 3, 5


def checkout_ref(repository: Resource) -> tuple[str, str]:
    """Return the field of spec.ref that takes precedence, and its value; ``master`` if spec.ref is not set.

    The order is that of Clone in fluxcd/pkg/git/gogit v0.52 (source-controller 1.9): the API's comment puts semver before tag.
    """
    for field in ("commit", "name", "tag", "semver", "branch"):
        if value := repository.text(f"spec.ref.{field}"):
            return field, value
    return "branch", "master"


def host(repository: Resource) -> str:
    """Return the host of spec.url, with the port if the URL has one."""
    return repository.text("spec.url").partition("://")[2].partition("/")[0].rpartition("@")[2]


def key_scan(repository: Resource) -> str:
    """Return the command that prints the ssh keys of the host of spec.url."""
    name, _, port = host(repository).partition(":")
    return f"ssh-keyscan -p {port} {name}" if port else f"ssh-keyscan {name}"


def remote_names(git: GitTrees | None, repository: Resource, prefix: str) -> tuple[str, ...] | None:
    """Return the remote's branches or tags; None if they were not collected, or if the remote listed no ref at all."""
    return git.names(repository.ref, prefix) if git and git.refs(repository.ref) else None


def similar(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return at most three similar names; a name that differs only in a leading v or in case comes first."""
    ordered = sorted(names)
    same = [n for n in ordered if n.lower().removeprefix("v") == name.lower().removeprefix("v")]
    return tuple(dict.fromkeys((*same, *nearest(name, ordered))))[:_MOST]


def similar_hint(name: str, names: Iterable[str] | None) -> str:
    """Return the hint that follows a name that does not exist: similar names, else the last names of the remote."""
    if names is None:
        return ""
    ordered = tuple(names)
    if close := similar(name, ordered):
        return suggestion(close)
    if not ordered:
        return "; the remote has none"
    last = ", ".join(ordered[-_SHOWN:])
    return f"; the remote only has {last}" if len(ordered) <= _SHOWN else f"; the remote has, among others, {last}"
