"""Reads one repository of an OCI registry: tags, manifests, signatures and blobs.

The protocol is OCI Distribution 1.1, with the token login of Docker.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fluxdoctor.collect.net.address import Address, parse
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.http import MIB, Client, Response, basic
from fluxdoctor.collect.sources.docker_config import RegistryLogin
from fluxdoctor.intake.credentials import remember
from fluxdoctor.model.oci import OciLayer, OciManifest
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Fields

_PAGE = 1000
_MOST_PAGES = 50
_MOST_TAGS = 100_000
_ANY = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, */*;q=0.1"
)
_UNAUTHORIZED = 401
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*rel="?next"?')
_PARAMETER = re.compile(r'\b(\w++)\s*+=\s*+(?:"([^"]*+)"|([^\s,"]++))')
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
#: The artifact types of signatures: Notary's notation, and sigstore's bundles (cosign 2.4 and later).
_SIGNATURES = (
    "application/vnd.cncf.notary.signature",
    "application/vnd.dev.sigstore.bundle",
    "application/vnd.dev.cosign",
)


class RegistryRepository:
    """Reads one repository. Every method raises UnreachableError if the registry does not give a valid answer."""

    def __init__(self, client: Client, place: Address, name: str, login: RegistryLogin) -> None:
        """``place``: the registry; ``name``: the repository in it, without a slash at its ends."""
        self._client = client
        self._place = place.at(f"/v2/{quote(name)}")
        self._name = name
        self._login = login
        self._authorization = f"Bearer {login.token}" if login.token else ""

    def tags(self) -> tuple[str, ...]:
        """Return the tags, in the order of the registry."""
        place: Address | None = self._below(f"tags/list?n={_PAGE}")
        tags: list[str] = []
        for _ in range(_MOST_PAGES):
            if place is None:
                return tuple(dict.fromkeys(tags))
            if len(tags) >= _MOST_TAGS:
                break
            response = self._get(place, "application/json")
            if not response.ok:
                raise refusal(response)
            tags += Fields(_json(response)).strings("tags")
            place = self._next_page(response)
        if place is None:
            return tuple(dict.fromkeys(tags))
        raise UnreachableError(
            Answer.TOO_LARGE, f"its tag list has more than {len(tags):,} tags or {_MOST_PAGES} pages"
        )

    def _next_page(self, response: Response) -> Address | None:
        link = _NEXT.search(response.headers.get("link", ""))
        if not link:
            return None
        next_place = response.place.join(link[1])
        if not response.place.is_same_origin(next_place):
            raise UnreachableError(Answer.MALFORMED, f"{self._place.authority} continues the tag list on another host")
        return next_place

    def manifest(self, reference: str) -> OciManifest:
        """Return the manifest of a tag or digest."""
        response = self._get(self._below(f"manifests/{quote(reference, safe=':')}"), _ANY)
        if not response.ok:
            raise refusal(response)
        return _manifest(response)

    def signatures(self, digest: str, tags: tuple[str, ...] | None) -> tuple[str, ...]:
        """Return the kinds of signatures of a digest: "cosign tag", and the artifact types of its referrers."""
        tag = f"{digest.replace(':', '-')}.sig"
        has_cosign_tag = tag in tags if tags is not None else self._get_optional(f"manifests/{tag}") is not None
        # Registries without the referrers API (OCI 1.1) store the list under a tag derived from the digest.
        referrers = (
            self._get_optional(f"referrers/{digest}")
            or self._get_optional(f"manifests/{digest.replace(':', '-')}")
            or Fields()
        )
        kinds = (row.text("artifactType") for row in referrers.rows("manifests"))
        artifact_types = [kind for kind in kinds if kind.startswith(_SIGNATURES)]
        return tuple(dict.fromkeys((*(["cosign tag"] if has_cosign_tag else []), *artifact_types)))

    def blob(self, digest: str, limit: int) -> bytes:
        """Return a blob of at most ``limit`` bytes, and verify its digest."""
        if not _DIGEST.fullmatch(digest):
            raise UnreachableError(
                Answer.MALFORMED, f"{self._place.authority} refers to a blob without a sha256 digest"
            )
        response = self._get(self._below(f"blobs/{digest}"), "*/*", limit)
        if not response.ok:
            raise refusal(response)
        if f"sha256:{hashlib.sha256(response.body).hexdigest()}" != digest:
            raise UnreachableError(Answer.MALFORMED, "the blob does not match its digest")
        return response.body

    def _get_optional(self, path: str) -> Fields | None:
        response = self._get(self._below(path), _ANY)
        if response.ok:
            return Fields(_json(response))
        if refusal(response).answer is not Answer.NOT_FOUND:
            raise refusal(response)
        return None

    def _below(self, path: str) -> Address:
        return self._place.at(f"{self._place.target}/{path}")

    def _get(self, place: Address, accept: str, limit: int = 8 * MIB) -> Response:
        response = self._client.get(place, {"Accept": accept}, authorization=self._authorization, limit=limit)
        if response.status != _UNAUTHORIZED or self._authorization:
            return response
        self._authorization = self._log_in(response)
        if not self._authorization:
            return response
        return self._client.get(place, {"Accept": accept}, authorization=self._authorization, limit=limit)

    def _log_in(self, response: Response) -> str:
        """Return the Authorization header that a 401 requires, "" if there are no credentials for it."""
        scheme, _, challenge = response.headers.get("www-authenticate", "").strip().partition(" ")
        if scheme.lower() == "basic":
            return basic(self._login.username, self._login.password) if self._login.username else ""
        if scheme.lower() != "bearer":
            return ""
        parameters = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(challenge)}
        return self._fetch_token(parameters)

    def _fetch_token(self, parameters: Mapping[str, str]) -> str:
        realm = parse(parameters.get("realm", ""))
        if realm.scheme != "https" and self._place.scheme == "https":
            raise UnreachableError(Answer.NOT_CONTACTED, f"{self._place.authority} issues its tokens over plain http")
        query = {"scope": parameters.get("scope") or f"repository:{self._name}:pull"}
        if parameters.get("service"):
            query["service"] = parameters["service"]
        separator = "&" if "?" in realm.target else "?"
        place = realm.at(f"{realm.target}{separator}{urlencode(query)}")
        authorization = basic(self._login.username, self._login.password) if self._login.username else ""
        response = self._client.get(place, {"Accept": "application/json"}, authorization=authorization)
        if not response.ok:
            raise refusal(response)
        body = Fields(_json(response))
        token = body.text("token") or body.text("access_token")
        if not token or not token.isascii() or not token.isprintable():
            raise UnreachableError(Answer.MALFORMED, f"{realm.authority} returned no token")
        remember(token)
        return f"Bearer {token}"


def refusal(response: Response) -> UnreachableError:
    """Return the error for a response, with the registry's code, which distinguishes a missing repository and a missing tag."""
    error = response.refusal()
    try:
        code = Fields(json.loads(response.body)).text("errors.0.code")
    except (ValueError, RecursionError):
        code = ""
    if error.answer is Answer.NOT_FOUND and code == "TOOMANYREQUESTS":
        return UnreachableError(Answer.RATE_LIMITED, error.detail)
    return UnreachableError(
        error.answer, f"{error.detail} ({code})" if re.fullmatch(r"[A-Z_]{1,40}", code) else error.detail
    )


def _json(response: Response) -> Any:
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise UnreachableError(
            Answer.MALFORMED, f"{response.place.authority} does not answer like a registry"
        ) from None


def _manifest(response: Response) -> OciManifest:
    body = Fields(_json(response))
    kind = body.text("mediaType") or response.headers.get("content-type", "").partition(";")[0].strip()
    if not body.has("layers") and not body.has("manifests") and not body.has("config"):
        raise UnreachableError(Answer.MALFORMED, f"{response.place.authority} did not return a manifest")
    header_digest = response.headers.get("docker-content-digest", "")
    digest = (
        header_digest if _DIGEST.fullmatch(header_digest) else f"sha256:{hashlib.sha256(response.body).hexdigest()}"
    )
    return OciManifest(
        digest,
        kind,
        body.text("config.mediaType"),
        tuple(OciLayer(row.text("mediaType"), row.text("digest"), row.number("size")) for row in body.rows("layers")),
        dict(body.items("annotations")),
        body.text("artifactType"),
    )
