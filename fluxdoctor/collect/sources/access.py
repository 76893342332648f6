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


def secret(source: Resource, field: str, context: ProbeContext) -> SecretData | None:
    """Return the Secret that a field names, None where it names none. Raises UnreachableError(UNKNOWN) where it was not read."""
    name = source.text(f"{field}.name")
    if not name:
        return None
    return _read_secret(source.namespace, name, context)


def _read_secret(namespace: str, name: str, context: ProbeContext) -> SecretData:
    data = context.vault.get(namespace, name)
    if data is None:
        raise UnreachableError(Answer.UNKNOWN, f"Secret {namespace}/{name} was not read")
    return data


def pull_secrets(source: Resource, context: ProbeContext) -> list[SecretData]:
    """Return the Secrets that an OCIRepository is pulled with: secretRef's, then those of its service account.

    All of the account's must be there, as for source-controller (1.9, keychain; fluxcd/pkg/runtime/secrets). Raises
    UnreachableError(UNKNOWN) where one of them, or the account, was not read.
    """
    own_secret = secret(source, "spec.secretRef", context)
    names: tuple[str, ...] = ()
    if account := source.text("spec.serviceAccountName"):
        account_secrets = context.vault.accounts.get((source.namespace, account))
        if account_secrets is None:
            raise UnreachableError(Answer.UNKNOWN, f"ServiceAccount {source.namespace}/{account} was not read")
        names = account_secrets
    return [*([own_secret] if own_secret else []), *(_read_secret(source.namespace, name, context) for name in names)]


def require_generic_provider(source: Resource) -> None:
    """Raise UnreachableError(UNKNOWN) where the controller logs in with an identity of a cloud, which nobody else has."""
    provider = source.text("spec.provider", "generic")
    if provider not in ("", "generic"):
        raise UnreachableError(
            Answer.UNKNOWN, f"the controller logs in as provider {provider}, which cannot be tried from here"
        )


def login(data: SecretData | None, *keys: str) -> tuple[str, str]:
    """Return what two keys hold, exactly, for the controllers strip nothing. Raises UnreachableError where one lacks."""
    if data is None:
        return "", ""
    first, second = (_raw_text(data, key) for key in keys)
    if bool(first) != bool(second):
        missing_key = keys[1] if first else keys[0]
        raise UnreachableError(Answer.UNKNOWN, f"the Secret has no {missing_key}, and the controller refuses it")
    return first, second


def _raw_text(data: SecretData, key: str) -> str:
    return data.entries.get(key, b"").decode("utf-8", "replace")


def _has_tls(data: SecretData) -> bool:
    return any(key in data.entries for key in (*_AUTHORITIES, *_CERTIFICATE, *_KEY))


def tls_material(data: SecretData | None) -> Material | None:
    """Return the TLS material of a Secret; its keys may have the names of before (source-controller 1.0)."""
    if data is None:
        return None
    return Material(data.text(*_AUTHORITIES), data.text(*_CERTIFICATE), data.text(*_KEY), data.fingerprint)


def proxy(source: Resource, context: ProbeContext) -> Address | None:
    """Return the proxy of spec.proxySecretRef. Raises UnreachableError where it cannot be used from here."""
    data = secret(source, "spec.proxySecretRef", context)
    if data is None:
        return None
    address = data.text("address")
    if not address:
        raise UnreachableError(Answer.PROXY, "the Secret of spec.proxySecretRef has no address")
    if address.partition("://")[0].lower() not in PORTS:
        raise UnreachableError(Answer.UNKNOWN, "a proxy that is not http is not tried from here")
    parsed = parse(address)
    if parsed.scheme == "https":
        raise UnreachableError(Answer.UNKNOWN, "a proxy that is asked over https is not tried from here")
    user, password = _raw_text(data, "username"), _raw_text(data, "password")
    return Address("http", parsed.host, parsed.port, "/", user or parsed.user, password or parsed.password)


def helm_repository(source: Resource, context: ProbeContext) -> Access:
    """Return the access to a Helm repository over HTTP: basic, TLS of certSecretRef or (deprecated) secretRef."""
    data, certificates = secret(source, "spec.secretRef", context), secret(source, "spec.certSecretRef", context)
    username, password = login(data, "username", "password")
    if certificates is None and data is not None and _has_tls(data):
        certificates = data
    return Access(username, password, tls_material(certificates))


def bucket(source: Resource, context: ProbeContext) -> Access:
    """Return the access to a bucket: its keys as user and password."""
    require_generic_provider(source)
    if source.has("spec.sts"):
        raise UnreachableError(Answer.UNKNOWN, "the controller logs in through spec.sts, which is not tried from here")
    data = secret(source, "spec.secretRef", context)
    key, secret_key = login(data, "accesskey", "secretkey")
    certificates = tls_material(secret(source, "spec.certSecretRef", context))
    return Access(key, secret_key, certificates, proxy(source, context))
