"""A private folder for one remote: git's whole configuration, and the files that git and ssh read logins from.

Nothing secret stands in an argument or in the environment of a child: both can be read by others through /proc. The
folder is 0700, its files are 0600, and it is removed whatever happens.
"""

from __future__ import annotations

import base64
import os
import shutil
import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from fluxdoctor.collect.git.login import GitLogin, Proxy
from fluxdoctor.collect.git.remote import quoted
from fluxdoctor.collect.git.way import Way
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.process import Done, Limits, run
from fluxdoctor.model.probes import Answer

REMOTE = "origin"
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_SSH_PORT = 22


class Workspace:
    """The folder, and how a command is run with it."""

    def __init__(self, folder: Path, git: str) -> None:
        """``folder`` is new and 0700; ``git`` is the program's path."""
        self.folder, self._git = folder, git
        self._write("offline", _config(_BASE).encode())

    def run(self, limits: Limits, *arguments: str, online: bool, stdin: bytes = b"") -> Done:
        """Run git. Raises what process.run raises."""
        return run([self._git, "--no-pager", *arguments], self.folder, self._env(online=online), limits, stdin)

    def _env(self, *, online: bool) -> Mapping[str, str]:
        """The whole environment of a child. Nothing is inherited but where programs are found.

        Offline no remote is known to git, so that nothing which is missing can be fetched behind our back.
        """
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),  # no ~/.netrc, no ~/.ssh, no ~/.gitconfig
            "XDG_CONFIG_HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LC_ALL": "C",
            "LANGUAGE": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(self.folder / ("online" if online else "offline")),
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "https:http:ssh",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_VARIANT": "ssh",
        }

    def offline(self, repository: Path) -> Mapping[str, str]:
        """What a git that inherits our caller's environment must be told, so that nothing of it counts: for reading objects."""
        return {
            **{name: "" for name in os.environ if name.startswith("GIT_")},
            **self._env(online=False),
            "GIT_DIR": str(repository),
            "GIT_WORK_TREE": str(repository),
            "GIT_OBJECT_DIRECTORY": str(repository / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
            "GIT_CONFIG_COUNT": "0",
            "GIT_CONFIG_PARAMETERS": "",
            "GIT_NAMESPACE": "",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TRACE": "0",
            "GIT_TRACE2": "0",
        }

    def _write(self, name: str, content: bytes) -> Path:
        """Write a file that only we can read."""
        path = self.folder / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(content)
        return path

    def online(self, way: Way, seconds: float) -> None:
        """Set up for asking a remote, at its addresses only. Raises UnreachableError where the login cannot be used."""
        remote = way.remote
        sections = {
            **_BASE,
            f'remote "{REMOTE}"': [("url", remote.url), ("promisor", "true"), ("partialCloneFilter", "blob:none")],
        }
        if remote.scheme == "ssh":
            sections["core"] = [
                *sections["core"],
                ("sshCommand", f"ssh -F {_shell(self._ssh(way, seconds))}"),
            ]
        else:
            sections["http"] = [*sections["http"], *self._http(way)]
        self._write("online", _config(sections).encode("utf-8", "surrogateescape"))

    def _http(self, way: Way) -> Iterator[tuple[str, str]]:
        login = way.login
        pinned = way.remote if login.proxy is None else login.proxy
        if way.addresses and ":" not in pinned.host:
            listed = ",".join(f"[{a}]" if ":" in a else a for a in way.addresses)
            yield "curloptResolve", f"{pinned.host}:{pinned.port}:{listed}"
        yield "proxy", proxy_url(login.proxy) if login.proxy else ""
        if login.proxy and login.proxy.username:
            yield "proxyAuthMethod", "basic"  # sent at once, as Go does
        if header := authorization(login):
            yield "extraHeader", header
        yield from way.files.items()

    def tls_files(self, login: GitLogin) -> Mapping[str, str]:
        """Write the files that TLS is done with; return them by git's name of the setting. Raises UnreachableError."""
        return dict(self._tls(login))

    def _tls(self, login: GitLogin) -> Iterator[tuple[str, str]]:
        if login.authority:
            yield (
                "sslCAInfo",
                str(self._write("authorities.pem", system_authorities() + b"\n" + login.authority + b"\n")),
            )
        elif (own := os.environ.get("SSL_CERT_FILE")) and Path(own).is_file():
            yield "sslCAInfo", own
        if login.certificate:
            certificate, key = self._write("tls.crt", login.certificate), self._write("tls.key", login.key)
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
            except (ssl.SSLError, ValueError):
                why = f"tls.crt and tls.key in Secret {login.secret} are no certificate and its key"
                raise UnreachableError(Answer.UNKNOWN, why) from None
            yield "sslCert", str(certificate)
            yield "sslKey", str(key)

    def _ssh(self, way: Way, seconds: float) -> Path:
        remote, login = way.remote, way.login
        if not shutil.which("ssh"):
            raise UnreachableError(Answer.UNKNOWN, "there is no ssh on the PATH here")
        host = f"[{remote.host}]:{remote.port}" if remote.port != _SSH_PORT else remote.host
        options = {
            "HostName": way.addresses[0],
            "HostKeyAlias": host,  # known_hosts is asked for the name in spec.url, whatever the address
            "Port": str(remote.port),
            "User": login.username,
            "IdentityFile": str(self._write("identity", plain_key(login))),
            "UserKnownHostsFile": str(self._write("known_hosts", login.known_hosts.rstrip() + b"\n")),
            "ConnectTimeout": str(max(1, int(seconds))),
            **_SSH_OPTIONS,
        }
        lines = ["Host *", *(f'  {key} "{value}"' for key, value in options.items())]
        return self._write("ssh_config", "\n".join(lines).encode() + b"\n")


_SSH_OPTIONS = {
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "GlobalKnownHostsFile": "/dev/null",
    "StrictHostKeyChecking": "yes",
    "CheckHostIP": "no",
    "UpdateHostKeys": "no",
    "VerifyHostKeyDNS": "no",
    "BatchMode": "yes",
    "PreferredAuthentications": "publickey",
    "ConnectionAttempts": "1",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "LogLevel": "INFO",
}
_Section = Sequence[tuple[str, str]]
_BASE: Mapping[str, _Section] = {
    "core": [("hooksPath", "/dev/null"), ("fsmonitor", "false"), ("askPass", ""), ("attributesFile", "/dev/null")],
    "protocol": [("allow", "never"), ("version", "2")],
    'protocol "https"': [("allow", "always")],
    'protocol "http"': [("allow", "always")],
    'protocol "ssh"': [("allow", "always")],
    "http": [("followRedirects", "false"), ("sslVerify", "true"), ("cookieFile", "")],
    "credential": [("helper", "")],
    "transfer": [("bundleURI", "false"), ("advertiseSID", "false")],
    "fetch": [("recurseSubmodules", "false"), ("writeCommitGraph", "false")],
    "submodule": [("recurse", "false")],
    "gc": [("auto", "0")],
    "maintenance": [("auto", "false")],
    "init": [("templateDir", ""), ("defaultBranch", "main")],
    "safe": [("bareRepository", "all"), ("directory", "*")],
}


def _config(sections: Mapping[str, _Section]) -> str:
    """Write git's configuration; every value is quoted, and none has a line break."""
    lines = []
    for name, rows in sections.items():
        lines.append(f"[{name}]")
        for key, value in rows:
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'\t{key} = "{escaped}"')
    return "\n".join(lines) + "\n"


def _shell(path: Path) -> str:
    """Git gives sshCommand to a shell; the path is one of our own making, and is quoted all the same."""
    return "'" + str(path).replace("'", "'\\''") + "'"


def authorization(login: GitLogin) -> str:
    """Return the header that go-git sends with the first request already, or ""."""
    if login.username or login.password:
        pair = f"{login.username}:{login.password}".encode("utf-8", "surrogateescape")
        return f"Authorization: Basic {base64.b64encode(pair).decode()}"
    return f"Authorization: Bearer {login.bearer}" if login.bearer else ""


def proxy_url(proxy: Proxy) -> str:
    """Return a proxy as curl has it. It holds a password: for configuration files only."""
    scheme = {"socks5": "socks5h"}.get(proxy.scheme, proxy.scheme)
    user = quoted(proxy.username) + (f":{quoted(proxy.password)}" if proxy.password else "")
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    return f"{scheme}://{f'{user}@' if user else ''}{host}:{proxy.port}"


def system_authorities() -> bytes:
    """Return the machine's own certificate authorities: go-git adds those of the Secret to them."""
    own = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_BUNDLES)
    for path in filter(None, own):
        if Path(path).is_file():
            return Path(path).read_bytes()
    return b""


def plain_key(login: GitLogin) -> bytes:
    """Return the ssh key as OpenSSH reads it from a file: without a passphrase, for there is nobody to ask for it.

    Raises UnreachableError (UNKNOWN) for what is no private key, or one whose passphrase is missing or wrong.
    """
    passphrase = login.passphrase.encode("utf-8", "surrogateescape") or None
    for load in (serialization.load_ssh_private_key, serialization.load_pem_private_key):
        # A passphrase for a key that has none is an error here and is ignored by Go.
        for word in dict.fromkeys((passphrase, None)):
            try:
                key = load(login.identity, word)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                continue
            try:
                return key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
                )
            except (ValueError, TypeError, UnsupportedAlgorithm):
                break
    why = (
        "is encrypted, or its password is wrong"
        if b"ENCRYPTED" in login.identity or login.passphrase
        else "is no private key"
    )
    raise UnreachableError(Answer.UNKNOWN, f"identity in Secret {login.secret} {why}")
