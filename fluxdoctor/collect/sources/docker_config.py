"""Reads the logins of a docker config, and selects the one for a registry."""

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
    """A user and password, or a token that is sent as is."""

    username: str = ""
    password: str = ""
    token: str = ""


def find_login(image: str, *secrets: SecretData) -> RegistryLogin:
    """Return the login for an image (``host[:port]/path``), anonymous if there is none.

    The selection is that of the keychain of go-containerregistry/pkg/authn/kubernetes 0.20: the longest entry first. Each
    part of a host name may have wildcards, the port must be equal, and the path is a prefix. Of several Secrets the first
    with an entry has priority, and one without a docker config is skipped.

    Raises UnreachableError if no Secret has a docker config, or if one is not valid.
    """
    image_path = _parse_path(image)
    candidates = [s for s in secrets if KEY in s.entries or _OLD_KEY in s.entries] or secrets
    matching = [(entry, fields) for s in candidates for entry, fields in _entries(s) if _matches(entry, image_path)]
    if not matching:
        return RegistryLogin()
    _, entry_fields = max(matching, key=lambda pair: pair[0])
    if entry_fields.text("identitytoken"):
        raise UnreachableError(Answer.UNKNOWN, "the login is an identity token, which fluxdoctor does not support")
    if entry_fields.text("registrytoken"):
        return RegistryLogin(token=entry_fields.text("registrytoken"))
    return _to_login(entry_fields)


def login_for_host(secret: SecretData, host: str) -> RegistryLogin | None:
    """Return the login of the entry for a host, None if there is none. The lookup is that of the docker CLI's library."""
    for (name, _, _), entry_fields in _entries(secret):
        if name == _parse_path(host)[0]:
            return _to_login(entry_fields)
    return None


def _to_login(entry: Fields) -> RegistryLogin:
    if entry.text("username") and entry.text("password"):
        return RegistryLogin(entry.text("username"), entry.text("password"))
    try:
        decoded = base64.b64decode(entry.text("auth"), validate=False).decode("utf-8", "replace")
    except ValueError:
        raise UnreachableError(Answer.UNKNOWN, "the login in the docker config is not base64") from None
    username, _, password = decoded.partition(":")
    return RegistryLogin(username, password)


_RegistryPath = tuple[str, str, str]


def _entries(secret: SecretData) -> Iterator[tuple[_RegistryPath, Fields]]:
    raw = secret.entries.get(KEY) or secret.entries.get(_OLD_KEY)
    if raw is None:
        raise UnreachableError(Answer.UNKNOWN, f"the Secret has no {KEY}")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise UnreachableError(Answer.UNKNOWN, f"the {KEY} in the Secret is not JSON") from None
    config = Fields(body)
    logins = config.get("auths") if config.has("auths") else body if KEY not in secret.entries else {}
    for name, login in (logins if isinstance(logins, dict) else {}).items():
        if isinstance(name, str) and isinstance(login, dict):
            yield _parse_path(name), Fields(login)


def _parse_path(text: str) -> _RegistryPath:
    """Return host, port and path of an entry or image. /v1/ and /v2/ are not part of the path; Docker Hub has one name."""
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
        host, port = (url.hostname or "").lower(), str(url.port or "")
    except ValueError:
        return "", "", ""
    path = url.path[3:] if url.path.startswith(("/v1/", "/v2/")) or url.path in ("/v1", "/v2") else url.path
    return HUB if host in DOCKER_HUB else host, port, path.strip("/")


def _matches(entry: _RegistryPath, image: _RegistryPath) -> bool:
    parts, image_parts = entry[0].split("."), image[0].split(".")
    if not entry[0] or len(parts) != len(image_parts) or entry[1] != image[1]:
        return False
    is_match = all(fnmatch.fnmatchcase(part, pattern) for pattern, part in zip(parts, image_parts, strict=True))
    return is_match and image[2].startswith(entry[2])
