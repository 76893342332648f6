"""Where a server sends a git client: followed once, and only to the same service, as for a renamed repository."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin

from fluxdoctor.collect.git import web
from fluxdoctor.collect.git.answers import safe
from fluxdoctor.collect.git.remote import Remote, parse
from fluxdoctor.collect.git.way import Way
from fluxdoctor.collect.git.workspace import authorization
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.model.probes import Answer

_ASKED, _SERVICE = "/info/refs", "service=git-upload-pack"


def follow(way: Way, deadline: Deadline) -> Remote:
    """Ask where the repository is now. Raises UnreachableError where that is another host, or no repository's address."""
    remote = way.remote
    reply = advertised(way, deadline)
    place, question, query = urljoin(remote.url.rstrip("/") + _ASKED, reply.location).partition("?")
    if not reply.location or (question and query != _SERVICE):
        raise UnreachableError(Answer.MALFORMED, "the server sends elsewhere and does not say where")
    new = parse(place)
    if new.service != remote.service:
        raise UnreachableError(
            Answer.UNKNOWN, safe(f"the server sends to {new.scheme}://{new.netloc}, which was not asked", way.login)
        )
    if not new.path.endswith(_ASKED):
        raise UnreachableError(
            Answer.MALFORMED, safe(f"the server sends to {new.path}, which is no git repository", way.login)
        )
    return replace(remote, path=new.path.removesuffix(_ASKED))


def speaks_git(way: Way, deadline: Deadline) -> bool:
    """Tell a repository without a commit from a web page: git takes a page without a line break for an empty list."""
    return advertised(way, deadline).type.startswith("application/x-git-")


def advertised(way: Way, deadline: Deadline) -> web.Reply:
    """Ask as git asks first."""
    name, _, value = authorization(way.login).partition(": ")
    path = f"{way.remote.path.rstrip('/')}{_ASKED}?{_SERVICE}"
    return web.ask(way, "GET", path, {name: value} if value else {}, deadline)
