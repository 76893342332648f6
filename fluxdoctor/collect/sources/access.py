"""How a source is logged in to, by the Secrets that it names: as source-controller 1.5 to 1.9 reads them."""

from __future__ import annotations

from fluxdoctor.collect.net.address import PORTS, Address, parse
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.http import Access
from fluxdoctor.collect.net.tls import Material
from fluxdoctor.collect.probe_context import ProbeContext
from fluxdoctor.intake.vault import SecretData
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Resource

_AUTHORITIES = ("ca.crt", "caFile")
_CERTIFICATE = ("tls.crt", "certFile")
_KEY = ("tls.key", "keyFile")


def secret(source: Resource, field: str, reach: ProbeContext) -> SecretData | None:
    """Return the Secret that a field names, None where it names none. Raises UnreachableError(UNKNOWN) where it was not read."""
    name = source.text(f"{field}.name")
    if not name:
        return None
    return _named(source.namespace, name, reach)


def _named(namespace: str, name: str, reach: ProbeContext) -> SecretData:
    found = reach.vault.get(namespace, name)
    if found is None:
        raise UnreachableError(Answer.UNKNOWN, f"Secret {namespace}/{name} was not read")
    return found


def pull_secrets(source: Resource, reach: ProbeContext) -> list[SecretData]:
    """Return the Secrets that an OCIRepository is pulled with: secretRef's, then those of its service account.

    All of the account's must be there, as for source-controller (1.9, keychain; fluxcd/pkg/runtime/secrets). Raises
    UnreachableError(UNKNOWN) where one of them, or the account, was not read.
    """
    own = secret(source, "spec.secretRef", reach)
    names: tuple[str, ...] = ()
    if account := source.text("spec.serviceAccountName"):
        known = reach.vault.accounts.get((source.namespace, account))
        if known is None:
            raise UnreachableError(Answer.UNKNOWN, f"ServiceAccount {source.namespace}/{account} was not read")
        names = known
    return [*([own] if own else []), *(_named(source.namespace, name, reach) for name in names)]


def generic(source: Resource) -> None:
    """Raise UnreachableError(UNKNOWN) where the controller logs in with an identity of a cloud, which nobody else has."""
    provider = source.text("spec.provider", "generic")
    if provider not in ("", "generic"):
        raise UnreachableError(
            Answer.UNKNOWN, f"the controller logs in as provider {provider}, which cannot be tried from here"
        )


def login(found: SecretData | None, *keys: str) -> tuple[str, str]:
    """Return what two keys hold, exactly, for the controllers strip nothing. Raises UnreachableError where one lacks."""
    if found is None:
        return "", ""
    first, second = (_exact(found, key) for key in keys)
    if bool(first) != bool(second):
        lacking = keys[1] if first else keys[0]
        raise UnreachableError(Answer.UNKNOWN, f"the Secret has no {lacking}, and the controller refuses it")
    return first, second


def _exact(found: SecretData, key: str) -> str:
    return found.entries.get(key, b"").decode("utf-8", "replace")


def _carries_tls(data: SecretData) -> bool:
    return any(key in data.entries for key in (*_AUTHORITIES, *_CERTIFICATE, *_KEY))


def tls_material(data: SecretData | None) -> Material | None:
    """Return the TLS material of a Secret; its keys may have the names of before (source-controller 1.0)."""
    if data is None:
        return None
    return Material(data.text(*_AUTHORITIES), data.text(*_CERTIFICATE), data.text(*_KEY), data.fingerprint)


def proxy(source: Resource, reach: ProbeContext) -> Address | None:
    """Return the proxy of spec.proxySecretRef. Raises UnreachableError where it cannot be used from here."""
    found = secret(source, "spec.proxySecretRef", reach)
    if found is None:
        return None
    address = found.text("address")
    if not address:
        raise UnreachableError(Answer.PROXY, "the Secret of spec.proxySecretRef has no address")
    if address.partition("://")[0].lower() not in PORTS:
        raise UnreachableError(Answer.UNKNOWN, "a proxy that is not http is not tried from here")
    place = parse(address)
    if place.scheme == "https":
        raise UnreachableError(Answer.UNKNOWN, "a proxy that is asked over https is not tried from here")
    user, password = _exact(found, "username"), _exact(found, "password")
    return Address("http", place.host, place.port, "/", user or place.user, password or place.password)


def helm_repository(source: Resource, reach: ProbeContext) -> Access:
    """Return the access to a Helm repository over HTTP: basic, TLS of certSecretRef or (deprecated) secretRef."""
    found, certificates = secret(source, "spec.secretRef", reach), secret(source, "spec.certSecretRef", reach)
    username, password = login(found, "username", "password")
    if certificates is None and found is not None and _carries_tls(found):
        certificates = found
    return Access(username, password, tls_material(certificates))


def bucket(source: Resource, reach: ProbeContext) -> Access:
    """Return the access to a bucket: its keys as user and password."""
    generic(source)
    if source.has("spec.sts"):
        raise UnreachableError(Answer.UNKNOWN, "the controller logs in through spec.sts, which is not tried from here")
    found = secret(source, "spec.secretRef", reach)
    key, secret_key = login(found, "accesskey", "secretkey")
    certificates = tls_material(secret(source, "spec.certSecretRef", reach))
    return Access(key, secret_key, certificates, proxy(source, reach))
