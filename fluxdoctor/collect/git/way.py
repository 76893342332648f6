"""How a remote is reached: what is asked, with which login, at which addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fluxdoctor.collect.git.login import GitLogin
from fluxdoctor.collect.git.remote import Remote


@dataclass(frozen=True, repr=False)
class Way:
    """``addresses`` are the only ones to connect to (the proxy's, where there is one; none for a proxy of our own).

    ``files``: what TLS is done with, by git's name of the setting (sslCAInfo, sslCert, sslKey).
    """

    remote: Remote
    login: GitLogin
    addresses: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def exposed(self) -> bool:
        """What is sent can be read on the way: plain http that leaves this machine."""
        local = not self.login.proxy and all(a.startswith("127.") or a == "::1" for a in self.addresses)
        return self.remote.scheme == "http" and not local
