"""The token of a GitHub App: a signed statement of who we are, exchanged for a token of one installation.

As fluxcd/pkg/auth/githubapp does: the statement is valid from 30 seconds ago for two minutes; without an installation id
the owner's installation is looked up, as an organisation and then as a user; the token is the password of the user
``x-access-token``.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from urllib.parse import quote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from fluxdoctor.collect.git import web
from fluxdoctor.collect.git.login import App
from fluxdoctor.collect.git.remote import Remote, parse
from fluxdoctor.collect.git.way import Way
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.model.probes import Answer

USER = "x-access-token"
_CREATED, _NOT_FOUND = 201, 404
_REFUSED = (401, 403)


def api(app: App) -> Remote:
    """Return where the API of the app is. Raises UnreachableError (NOT_CONTACTED) for what is no https or http URL."""
    remote = parse(app.base_url)
    if remote.scheme == "ssh" or remote.user:
        raise UnreachableError(Answer.NOT_CONTACTED, "githubAppBaseURL is no https URL")
    return replace(remote, path=remote.path.rstrip("/") + "/")


def token(way: Way, deadline: Deadline) -> str:
    """Exchange the key of an app for a token. ``way`` leads to its API. Raises UnreachableError."""
    app = way.login.app
    assert app  # noqa: S101 - the caller looked
    headers = {"Authorization": f"Bearer {_statement(app, way.login.secret)}", "Accept": "application/vnd.github+json"}

    def ask(method: str, path: str) -> web.Reply:
        return web.ask(way, method, way.remote.path + path, headers, deadline)

    number = app.installation or _installation(app, ask("GET", f"orgs/{quote(app.owner, safe='')}/installation"))
    if not number:
        number = _installation(app, ask("GET", f"users/{quote(app.owner, safe='')}/installation"), last=True)
    made = ask("POST", f"app/installations/{number}/access_tokens")
    if made.status != _CREATED:
        raise _failed(app, made, f"GitHub App {app.id} has no installation {number}")
    found = _read(made.body).get("token")
    if not isinstance(found, str) or not found.isprintable():
        raise UnreachableError(Answer.MALFORMED, f"the API of GitHub App {app.id} answered without a token")
    return found


def _installation(app: App, reply: web.Reply, *, last: bool = False) -> str:
    if reply.status == _NOT_FOUND and not last:
        return ""
    number = _read(reply.body).get("id")
    if reply.status >= 300 or not isinstance(number, int):  # noqa: PLR2004 - HTTP: not a success
        raise _failed(app, reply, f"GitHub App {app.id} is not installed for {app.owner}")
    return str(number)


def _failed(app: App, reply: web.Reply, absent: str) -> UnreachableError:
    if reply.status == _NOT_FOUND:
        return UnreachableError(Answer.AUTHENTICATION, absent)
    if reply.status in _REFUSED:
        why = f"the API refuses GitHub App {app.id} and its key with {reply.status}"
        return UnreachableError(Answer.AUTHENTICATION, why)
    answer = Answer.SERVER_ERROR if reply.status >= 500 else Answer.MALFORMED  # noqa: PLR2004 - HTTP
    return UnreachableError(answer, f"the API of GitHub App {app.id} answered {reply.status}")


def _read(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _statement(app: App, secret: str) -> str:
    """Return a JSON web token signed with RS256 (RFC 7519)."""
    try:
        key = serialization.load_pem_private_key(app.key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise UnreachableError(Answer.UNKNOWN, f"githubAppPrivateKey in Secret {secret} is no RSA private key in PEM")
    issued = int(time.time()) - 30
    parts = [_part({"alg": "RS256", "typ": "JWT"}), _part({"iat": issued, "exp": issued + 120, "iss": app.id})]
    signed = ".".join(parts)
    return f"{signed}.{_encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _part(body: dict[str, object]) -> str:
    return _encoded(json.dumps(body, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
