"""Returns the credentials of a source from the Secrets that it refers to, as source-controller 1.5 to 1.9 reads them."""

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
    """Return the Secret that a field refers to, None if it has none. Raises UnreachableError(UNKNOWN) if it was not read."""
    name = source.text(f"{field}.name")
    if not name:
        return None
    return _read_secret(source.namespace, name, context)


def _read_secret(namespace: str, name: str, context: ProbeContext) -> SecretData:
    data = context.vault.get(namespace, name)
    if data is None:
        raise UnreachableError(Answer.UNKNOWN, f"Secret/{namespace}/{name} was not read")
    return data


def pull_secrets(source: Resource, context: ProbeContext) -> list[SecretData]:
    """Return the pull Secrets of an OCIRepository: that of secretRef, then those of its service account.

    All Secrets of the account must exist, as for source-controller (1.9, keychain; fluxcd/pkg/runtime/secrets). Raises
    UnreachableError(UNKNOWN) if one of them, or the account, was not read.
    """
    own_secret = secret(source, "spec.secretRef", context)
    names: tuple[str, ...] = ()
    if account := source.text("spec.serviceAccountName"):
        account_secrets = context.vault.accounts.get((source.namespace, account))
        if account_secrets is None:
            raise UnreachableError(Answer.UNKNOWN, f"ServiceAccount/{source.namespace}/{account} was not read")
        names = account_secrets
    return [*([own_secret] if own_secret else []), *(_read_secret(source.namespace, name, context) for name in names)]


def require_generic_provider(source: Resource) -> None:
    """Raise UnreachableError(UNKNOWN) if the controller logs in with a cloud identity, which only it has."""
    provider = source.text("spec.provider", "generic")
    if provider not in ("", "generic"):
        raise UnreachableError(
            Answer.UNKNOWN, f"the controller logs in with provider {provider}, which fluxdoctor cannot use"
        )


def login(data: SecretData | None, *keys: str) -> tuple[str, str]:
    """Return the values of two keys, unstripped as in the controllers. Raises UnreachableError if only one exists."""
    if data is None:
        return "", ""
    first, second = (_raw_text(data, key) for key in keys)
    if bool(first) != bool(second):
        missing_key = keys[1] if first else keys[0]
        raise UnreachableError(Answer.UNKNOWN, f"the Secret has no {missing_key}, so the controller rejects it")
    return first, second


def _raw_text(data: SecretData, key: str) -> str:
    return data.entries.get(key, b"").decode("utf-8", "replace")


def _has_tls(data: SecretData) -> bool:
    return any(key in data.entries for key in (*_AUTHORITIES, *_CERTIFICATE, *_KEY))


def tls_material(data: SecretData | None) -> Material | None:
    """Return the TLS material of a Secret, also with the older names of its keys (source-controller 1.0)."""
    if data is None:
        return None
    return Material(data.text(*_AUTHORITIES), data.text(*_CERTIFICATE), data.text(*_KEY), data.fingerprint)


def proxy(source: Resource, context: ProbeContext) -> Address | None:
    """Return the proxy of spec.proxySecretRef. Raises UnreachableError if fluxdoctor cannot use it."""
    data = secret(source, "spec.proxySecretRef", context)
    if data is None:
        return None
    address = data.text("address")
    if not address:
        raise UnreachableError(Answer.PROXY, "the Secret of spec.proxySecretRef has no address")
    if address.partition("://")[0].lower() not in PORTS:
        raise UnreachableError(Answer.UNKNOWN, "fluxdoctor supports only http proxies")
    parsed = parse(address)
    if parsed.scheme == "https":
        raise UnreachableError(Answer.UNKNOWN, "fluxdoctor does not support proxies over https")
    user, password = _raw_text(data, "username"), _raw_text(data, "password")
    return Address("http", parsed.host, parsed.port, "/", user or parsed.user, password or parsed.password)


def helm_repository(source: Resource, context: ProbeContext) -> Access:
    """Return the access to a Helm repository over HTTP: basic login, TLS of certSecretRef or (deprecated) of secretRef."""
    data, certificates = secret(source, "spec.secretRef", context), secret(source, "spec.certSecretRef", context)
    username, password = login(data, "username", "password")
    if certificates is None and data is not None and _has_tls(data):
        certificates = data
    return Access(username, password, tls_material(certificates))


def bucket(source: Resource, context: ProbeContext) -> Access:
    """Return the access to a bucket: its keys as user and password."""
    require_generic_provider(source)
    if source.has("spec.sts"):
        raise UnreachableError(
            Answer.UNKNOWN, "the controller logs in through spec.sts, which fluxdoctor does not support"
        )
    data = secret(source, "spec.secretRef", context)
    key, secret_key = login(data, "accesskey", "secretkey")
    certificates = tls_material(secret(source, "spec.certSecretRef", context))
    return Access(key, secret_key, certificates, proxy(source, context))
