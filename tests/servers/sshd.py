"""Git over SSH: a real OpenSSH server on a free port of loopback, with host keys and authorized keys of its own."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.servers import apt
from tests.servers.serving import free_port, wait

_Key = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def private(key: _Key, passphrase: bytes = b"") -> bytes:
    """Write a private key as ssh-keygen does."""
    how = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, how)


def public(key: _Key) -> str:
    """Write a public key as authorized_keys and known_hosts have it."""
    raw = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return raw.decode()


@dataclass(frozen=True)
class SshServer:
    """A running server: its port, its user, its host key, and the key of a user that it accepts."""

    port: int
    user: str
    host_key: _Key
    client_key: _Key
    log: Path

    @property
    def known_hosts(self) -> str:
        """The line that ssh-keyscan would print for it."""
        return f"[127.0.0.1]:{self.port} {public(self.host_key)}\n"

    def url(self, path: Path) -> str:
        return f"ssh://{self.user}@127.0.0.1:{self.port}{path}"


@contextlib.contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """Run sshd. Raises RuntimeError where there is none and none can be installed."""
    program = apt.program("sshd", "openssh-server")
    if program is None:
        raise RuntimeError("no sshd: apt-get install openssh-server")
    folder.mkdir(mode=0o700)
    host, client = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    _write(folder / "host_key", private(host))
    _write(folder / "authorized_keys", public(client).encode() + b"\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(
            mode=0o755, exist_ok=True
        )  # where sshd leaves its privileges, as Debian's unit makes it
    port = free_port()
    config = folder / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\n"
        "PermitRootLogin prohibit-password\nLogLevel VERBOSE\n"
    )
    log = folder / "log"
    with log.open("wb") as stderr:
        process = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=stderr)
    try:
        wait(port, process, log, "sshd")
        yield SshServer(port, getpass.getuser(), host, client, log)
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
