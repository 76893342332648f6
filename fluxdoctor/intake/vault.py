"""Stores the Secret values that collectors need to log in. They are never printed or saved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fluxdoctor.intake import secret_values
from fluxdoctor.intake.credentials import remember
from fluxdoctor.intake.secret_entries import readable_text


@dataclass(frozen=True, repr=False)
class SecretData:
    """The decoded entries of one Secret. Its repr shows only the keys."""

    type: str
    entries: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"SecretData({self.type!r}, keys={sorted(self.entries)})"

    def text(self, *keys: str) -> str:
        """Return the value of the first of these keys that exists and is UTF-8, stripped of white space; else ""."""
        for key in keys:
            if key in self.entries:
                try:
                    return self.entries[key].decode().strip()
                except UnicodeDecodeError:
                    continue
        return ""

    @property
    def fingerprint(self) -> str:
        """A digest of the type and all entries: two Secrets with the same content are the same login. Never printed."""
        digest = hashlib.sha256(self.type.encode())
        for key in sorted(self.entries):
            for part in (key.encode(), self.entries[key]):
                digest.update(len(part).to_bytes(8) + part)
        return digest.hexdigest()


@dataclass(frozen=True, repr=False)
class Vault:
    """The Secrets of the cluster, by (namespace, name)."""

    secrets: Mapping[tuple[str, str], SecretData] = field(default_factory=dict)
    accounts: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """The names of the image pull Secrets of each ServiceAccount, by (namespace, name)."""

    def __repr__(self) -> str:
        return f"Vault({len(self.secrets)} secrets)"

    def get(self, namespace: str, name: str) -> SecretData | None:
        """Return a Secret, or None if it was not read (it does not exist or access is denied).

        What is in it is sent somewhere next, so no answer may bring it into a report.
        """
        data = self.secrets.get((namespace, name))
        if data is not None:
            texts = {key: text for key, value in data.entries.items() if (text := readable_text(value)) is not None}
            secret = {"type": data.type, "metadata": {"name": name, "namespace": namespace}, "stringData": texts}
            remember(*secret_values.values(secret), *secret_values.words(secret))
        return data

    def values(self) -> Iterator[bytes]:
        """Yield every value, for redaction."""
        for secret in self.secrets.values():
            yield from secret.entries.values()
