"""Follows a server's redirect once, and only to the same service, as for a renamed repository."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin

from fluxdoctor.collect.git import web
from fluxdoctor.collect.git.answers import redacted
from fluxdoctor.collect.git.remote import Remote, parse
from fluxdoctor.collect.git.route import Route
from fluxdoctor.collect.git.workspace import authorization
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.model.probes import Answer

_ADVERTISEMENT, _SERVICE = "/info/refs", "service=git-upload-pack"


def follow(route: Route, deadline: Deadline) -> Remote:
    """Return the redirect's target. Raises UnreachableError if it is another service or not the address of a repository."""
    remote = route.remote
    reply = advertisement(route, deadline)
    address, has_query, query = urljoin(remote.url.rstrip("/") + _ADVERTISEMENT, reply.location).partition("?")
    if not reply.location or (has_query and query != _SERVICE):
        raise UnreachableError(Answer.MALFORMED, "the server redirects to no repository")
    target = parse(address)
    if target.service != remote.service:
        raise UnreachableError(
            Answer.UNKNOWN,
            redacted(
                f"the server redirects to {target.scheme}://{target.netloc}, which was not contacted", route.login
            ),
        )
    if not target.path.endswith(_ADVERTISEMENT):
        raise UnreachableError(
            Answer.MALFORMED,
            redacted(f"the server redirects to {target.path}, which is not a git repository", route.login),
        )
    return replace(remote, path=target.path.removesuffix(_ADVERTISEMENT))


def speaks_git(route: Route, deadline: Deadline) -> bool:
    """Tell whether the answer is from a git server: git reads a web page without a line break as an empty list of refs."""
    return advertisement(route, deadline).type.startswith("application/x-git-")


def advertisement(route: Route, deadline: Deadline) -> web.Reply:
    """Send git's first request: the advertisement of the refs."""
    name, _, value = authorization(route.login).partition(": ")
    path = f"{route.remote.path.rstrip('/')}{_ADVERTISEMENT}?{_SERVICE}"
    return web.request(route, "GET", path, {name: value} if value else {}, deadline)
