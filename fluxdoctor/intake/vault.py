"""The one place that holds Secret values: what collectors log in with. Nothing in it is ever printed, saved or passed on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, repr=False)
class SecretData:
    """The decoded entries of one Secret. Its repr names the keys only."""

    type: str
    entries: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"SecretData({self.type!r}, keys={sorted(self.entries)})"

    def text(self, *keys: str) -> str:
        """Return the first of these keys that is there and is UTF-8, without white space around it; else ""."""
        for key in keys:
            if key in self.entries:
                try:
                    return self.entries[key].decode().strip()
                except UnicodeDecodeError:
                    continue
        return ""

    @property
    def fingerprint(self) -> str:
        """A digest of the whole content: two Secrets with one content are one login. Never shown."""
        digest = hashlib.sha256(self.type.encode())
        for key in sorted(self.entries):
            for part in (key.encode(), self.entries[key]):
                digest.update(len(part).to_bytes(8) + part)
        return digest.hexdigest()


@dataclass(frozen=True, repr=False)
class Vault:
    """The Secrets that were read, by (namespace, name)."""

    secrets: Mapping[tuple[str, str], SecretData] = field(default_factory=dict)
    accounts: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """The names of the image pull secrets of the ServiceAccounts that were read, by (namespace, name)."""

    def __repr__(self) -> str:
        return f"Vault({len(self.secrets)} secrets)"

    def get(self, namespace: str, name: str) -> SecretData | None:
        """Return a Secret, or None when it was not read (absent, forbidden)."""
        return self.secrets.get((namespace, name))

    def values(self) -> Iterator[bytes]:
        """Yield every value, for redaction."""
        for secret in self.secrets.values():
            yield from secret.entries.values()
