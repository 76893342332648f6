"""How a GitRepository says what to check out, and where from."""

import difflib
import re
from collections.abc import Iterable

from fluxdoctor import GitTrees, Resource

HEADS, TAGS = "refs/heads/", "refs/tags/"
#: go-git's words for credentials that are not accepted, over https and ssh.
REFUSED = re.compile(
    r"(?:unable to clone|unable to list remote for)[^']*'[^']*': "
    r"(?:authentication required|authorization failed|invalid credentials)|ssh: unable to authenticate"
    r"|/info/refs\S* status code: 40[13]|HTTP Basic: Access denied|Invalid username or (?:password|token)"
)
NOT_FOUND = re.compile(
    r"unable to (?:clone|list remote for)[^']*(?:'[^']*')?: .*?(?:[Rr]epository not found|/info/refs\S* status code: 404)",
    re.S,
)


def wanted(repository: Resource) -> tuple[str, str]:
    """Return the field of spec.ref that decides, and its value; ``master`` where none is set.

    The order is that of Clone in fluxcd/pkg/git/gogit v0.52 (source-controller 1.9): the API's comment puts semver before tag.
    """
    for field in ("commit", "name", "tag", "semver", "branch"):
        if value := repository.text(f"spec.ref.{field}"):
            return field, value
    return "branch", "master"


def host(repository: Resource) -> str:
    """Return the host of spec.url, with the port where one is written."""
    return repository.text("spec.url").partition("://")[2].partition("/")[0].rpartition("@")[2]


def names(git: GitTrees | None, repository: Resource, prefix: str) -> tuple[str, ...] | None:
    """Return the remote's branches or tags, None where they were not asked for, or where the answer holds no ref at all."""
    return git.names(repository.ref, prefix) if git and git.refs(repository.ref) else None


def nearest(name: str, offered: Iterable[str]) -> tuple[str, ...]:
    """Return up to three names most like this one; one that differs in a leading v or in case comes first."""
    known = sorted(offered)
    same = [n for n in known if n.lower().removeprefix("v") == name.lower().removeprefix("v")]
    close = difflib.get_close_matches(name, known, 3, 0.6)
    return tuple(dict.fromkeys((*same, *close)))[:3]


def instead(name: str, offered: Iterable[str] | None) -> str:
    """Say what is there in place of a name that is not, for a sentence."""
    if offered is None:
        return ""
    known = tuple(offered)
    if close := nearest(name, known):
        return f"; the nearest is {close[0]}" if len(close) == 1 else f"; the nearest are {', '.join(close)}"
    some = ", ".join(known[-5:])
    return f"; there is {'only ' if len(known) <= 5 else ''}{some}" if known else "; there is none"  # noqa: PLR2004 - a short list
