"""The logins of a docker config, and which of them a registry is asked with."""

from __future__ import annotations

import base64
import fnmatch
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.intake.vault import SecretData
from fluxdoctor.model.flux import DOCKER_HUB
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Fields

HUB = "index.docker.io"
KEY = ".dockerconfigjson"
_OLD_KEY = ".dockercfg"


@dataclass(frozen=True, repr=False)
class RegistryLogin:
    """A user and password, or a token to be shown as it is."""

    username: str = ""
    password: str = ""
    token: str = ""


def find(image: str, *secrets: SecretData) -> RegistryLogin:
    """Return the login for an image (``host[:port]/path``), anonymous where there is none.

    As the keychain of go-containerregistry/pkg/authn/kubernetes 0.20 chooses: the longest entry first, each part of a host name
    may have wildcards, ports are the same, and the path is a beginning. Of several Secrets the first with an entry wins, and
    one that is no docker config is passed over. Raises UnreachableError where it is no docker config.
    """
    wanted = _place(image)
    holding = [s for s in secrets if KEY in s.entries or _OLD_KEY in s.entries] or secrets
    matching = [(entry, fields) for s in holding for entry, fields in _entries(s) if _matches(entry, wanted)]
    if not matching:
        return RegistryLogin()
    _, found = max(matching, key=lambda pair: pair[0])
    if found.text("identitytoken"):
        raise UnreachableError(Answer.UNKNOWN, "the login is an identity token, which is not tried from here")
    if found.text("registrytoken"):
        return RegistryLogin(token=found.text("registrytoken"))
    return _login(found)


def exact(secret: SecretData, host: str) -> RegistryLogin | None:
    """Return the login of the entry of a host, None where there is none, as the docker CLI's library looks it up."""
    for (name, _, _), found in _entries(secret):
        if name == _place(host)[0]:
            return _login(found)
    return None


def _login(found: Fields) -> RegistryLogin:
    if found.text("username") and found.text("password"):
        return RegistryLogin(found.text("username"), found.text("password"))
    try:
        decoded = base64.b64decode(found.text("auth"), validate=False).decode("utf-8", "replace")
    except ValueError:
        raise UnreachableError(Answer.UNKNOWN, "the login in the docker config is not base64") from None
    username, _, password = decoded.partition(":")
    return RegistryLogin(username, password)


_Place = tuple[str, str, str]


def _entries(secret: SecretData) -> Iterator[tuple[_Place, Fields]]:
    raw = secret.entries.get(KEY) or secret.entries.get(_OLD_KEY)
    if raw is None:
        raise UnreachableError(Answer.UNKNOWN, f"the Secret has no {KEY}")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise UnreachableError(Answer.UNKNOWN, f"the {KEY} of the Secret is not JSON") from None
    config = Fields(body)
    logins = config.get("auths") if config.has("auths") else body if KEY not in secret.entries else {}
    for name, login in (logins if isinstance(logins, dict) else {}).items():
        if isinstance(name, str) and isinstance(login, dict):
            yield _place(name), Fields(login)


def _place(text: str) -> _Place:
    """Return host, port and path of an entry or image; /v1/ and /v2/ are the host itself, all names of Docker Hub one."""
    try:
        found = urlsplit(text if "://" in text else f"https://{text}")
        host, port = (found.hostname or "").lower(), str(found.port or "")
    except ValueError:
        return "", "", ""
    path = found.path[3:] if found.path.startswith(("/v1/", "/v2/")) or found.path in ("/v1", "/v2") else found.path
    return HUB if host in DOCKER_HUB else host, port, path.strip("/")


def _matches(entry: _Place, image: _Place) -> bool:
    parts, wanted = entry[0].split("."), image[0].split(".")
    if not entry[0] or len(parts) != len(wanted) or entry[1] != image[1]:
        return False
    same = all(fnmatch.fnmatchcase(w, p) for p, w in zip(parts, wanted, strict=True))
    return same and image[2].startswith(entry[2])
