"""Gets the token of a GitHub App: a signed JSON web token (JWT) is exchanged for a token of one installation.

This follows fluxcd/pkg/auth/githubapp: the JWT is valid for two minutes from 30 seconds ago; without an installation id
the owner's installation is looked up, first as an organisation, then as a user; the token is the password of the user
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
from fluxdoctor.collect.git.route import Route
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.intake.credentials import remember_login
from fluxdoctor.model.probes import Answer

USER = "x-access-token"
_CREATED, _NOT_FOUND = 201, 404
_REFUSED = (401, 403)


def api(app: App) -> Remote:
    """Return the address of the app's API. Raises UnreachableError (NOT_CONTACTED) if it is not an https or http URL."""
    remote = parse(app.base_url)
    if remote.scheme == "ssh" or remote.user:
        raise UnreachableError(Answer.NOT_CONTACTED, "githubAppBaseURL is not an https URL")
    return replace(remote, path=remote.path.rstrip("/") + "/")


def token(route: Route, deadline: Deadline) -> str:
    """Exchange the key of an app for a token; ``route`` leads to the app's API. Raises UnreachableError."""
    app = route.login.app
    assert app  # noqa: S101 - the caller checks it
    headers = {
        "Authorization": f"Bearer {_signed_jwt(app, route.login.secret)}",
        "Accept": "application/vnd.github+json",
    }

    def ask(method: str, path: str) -> web.Reply:
        return web.request(route, method, route.remote.path + path, headers, deadline)

    installation = app.installation or _installation_id(
        app, ask("GET", f"orgs/{quote(app.owner, safe='')}/installation")
    )
    if not installation:
        installation = _installation_id(
            app, ask("GET", f"users/{quote(app.owner, safe='')}/installation"), is_last=True
        )
    reply = ask("POST", f"app/installations/{installation}/access_tokens")
    if reply.status != _CREATED:
        raise _error(app, reply, f"GitHub App {app.id} has no installation {installation}")
    value = _parse(reply.body).get("token")
    if not isinstance(value, str) or not value.isprintable():
        raise UnreachableError(Answer.MALFORMED, f"the API of GitHub App {app.id} answered without a token")
    remember_login(USER, value)
    return value


def _installation_id(app: App, reply: web.Reply, *, is_last: bool = False) -> str:
    if reply.status == _NOT_FOUND and not is_last:
        return ""
    installation = _parse(reply.body).get("id")
    if reply.status >= 300 or not isinstance(installation, int):  # noqa: PLR2004 - HTTP: not a success
        raise _error(app, reply, f"GitHub App {app.id} is not installed for {app.owner}")
    return str(installation)


def _error(app: App, reply: web.Reply, not_found_text: str) -> UnreachableError:
    if reply.status == _NOT_FOUND:
        return UnreachableError(Answer.AUTHENTICATION, not_found_text)
    if reply.status in _REFUSED:
        reason = f"the API refuses GitHub App {app.id} and its key with {reply.status}"
        return UnreachableError(Answer.AUTHENTICATION, reason)
    answer = Answer.SERVER_ERROR if reply.status >= 500 else Answer.MALFORMED  # noqa: PLR2004 - HTTP
    return UnreachableError(answer, f"the API of GitHub App {app.id} answered {reply.status}")


def _parse(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _signed_jwt(app: App, secret: str) -> str:
    """Return a JSON web token signed with RS256 (RFC 7519)."""
    try:
        key = serialization.load_pem_private_key(app.key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise UnreachableError(
            Answer.UNKNOWN, f"githubAppPrivateKey in Secret {secret} is not an RSA private key in PEM format"
        )
    issued_at = int(time.time()) - 30
    parts = [
        _encode_json({"alg": "RS256", "typ": "JWT"}),
        _encode_json({"iat": issued_at, "exp": issued_at + 120, "iss": app.id}),
    ]
    signing_input = ".".join(parts)
    return f"{signing_input}.{_encode(key.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _encode_json(claims: dict[str, object]) -> str:
    return _encode(json.dumps(claims, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
