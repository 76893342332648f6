"""The route to a remote: which repository, with which login, at which addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fluxdoctor.collect.git.login import GitLogin
from fluxdoctor.collect.git.remote import Remote


@dataclass(frozen=True, repr=False)
class Route:
    """A remote, its login and the only ``addresses`` to connect to.

    With a proxy they are the proxy's; for a proxy of the caller's environment there are none.
    ``files``: the files for TLS, by the name of git's setting (sslCAInfo, sslCert, sslKey).
    """

    remote: Remote
    login: GitLogin
    addresses: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_exposed(self) -> bool:
        """Whether others can read the traffic: plain http that leaves this machine."""
        is_local = not self.login.proxy and all(a.startswith("127.") or a == "::1" for a in self.addresses)
        return self.remote.scheme == "http" and not is_local
