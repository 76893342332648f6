"""A private folder for one remote: git's complete configuration, and the files that git and ssh read logins from.

No argument and no environment variable of a child contains a secret: other users can read both through /proc. The
folder has mode 0700, its files 0600, and it is always removed.
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
from fluxdoctor.collect.git.route import Route
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.process import Done, Limits, run
from fluxdoctor.model.probes import Answer

REMOTE = "origin"
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_SSH_PORT = 22


class Workspace:
    """The folder, and git commands that use it."""

    def __init__(self, folder: Path, git: str) -> None:
        """``folder`` is new and has mode 0700; ``git`` is the program's path."""
        self.folder, self._git = folder, git
        self._write("offline", _config(_BASE).encode())

    def run(self, limits: Limits, *arguments: str, online: bool, stdin: bytes = b"") -> Done:
        """Run git. Raises what process.run raises."""
        return run([self._git, "--no-pager", *arguments], self.folder, self._env(online=online), limits, stdin)

    def _env(self, *, online: bool) -> Mapping[str, str]:
        """Return the complete environment of a child. Only PATH is inherited.

        Offline git knows no remote, so that it cannot fetch missing objects by itself.
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
        """Return variables that override the caller's environment, for a git that inherits it while it reads objects."""
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
        """Write a file that only the current user can read."""
        path = self.folder / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(content)
        return path

    def online(self, route: Route, seconds: float) -> None:
        """Write the configuration to reach a remote, at its addresses only. Raises UnreachableError if the login is unusable."""
        remote = route.remote
        sections = {
            **_BASE,
            f'remote "{REMOTE}"': [("url", remote.url), ("promisor", "true"), ("partialCloneFilter", "blob:none")],
        }
        if remote.scheme == "ssh":
            sections["core"] = [
                *sections["core"],
                ("sshCommand", f"ssh -F {_shell_quoted(self._write_ssh_config(route, seconds))}"),
            ]
        else:
            sections["http"] = [*sections["http"], *self._http_settings(route)]
        self._write("online", _config(sections).encode("utf-8", "surrogateescape"))

    def _http_settings(self, route: Route) -> Iterator[tuple[str, str]]:
        login = route.login
        endpoint = route.remote if login.proxy is None else login.proxy
        if route.addresses and ":" not in endpoint.host:
            addresses = ",".join(f"[{a}]" if ":" in a else a for a in route.addresses)
            yield "curloptResolve", f"{endpoint.host}:{endpoint.port}:{addresses}"
        yield "proxy", proxy_url(login.proxy) if login.proxy else ""
        if login.proxy and login.proxy.username:
            yield "proxyAuthMethod", "basic"  # sent at once, as Go does
        if header := authorization(login):
            yield "extraHeader", header
        yield from route.files.items()

    def tls_files(self, login: GitLogin) -> Mapping[str, str]:
        """Write the files for TLS; return their paths by the name of git's setting. Raises UnreachableError."""
        return dict(self._tls_settings(login))

    def _tls_settings(self, login: GitLogin) -> Iterator[tuple[str, str]]:
        if login.authority:
            yield (
                "sslCAInfo",
                str(self._write("authorities.pem", system_authorities() + b"\n" + login.authority + b"\n")),
            )
        elif (environment_file := os.environ.get("SSL_CERT_FILE")) and Path(environment_file).is_file():
            yield "sslCAInfo", environment_file
        if login.certificate:
            certificate, key = self._write("tls.crt", login.certificate), self._write("tls.key", login.key)
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
            except (ssl.SSLError, ValueError):
                reason = f"tls.crt and tls.key in Secret {login.secret} are not a certificate and its key"
                raise UnreachableError(Answer.UNKNOWN, reason) from None
            yield "sslCert", str(certificate)
            yield "sslKey", str(key)

    def _write_ssh_config(self, route: Route, seconds: float) -> Path:
        remote, login = route.remote, route.login
        if not shutil.which("ssh"):
            raise UnreachableError(Answer.UNKNOWN, "ssh is not on the PATH")
        host = f"[{remote.host}]:{remote.port}" if remote.port != _SSH_PORT else remote.host
        options = {
            "HostName": route.addresses[0],
            "HostKeyAlias": host,  # ssh looks up the name of spec.url in known_hosts, not the address
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
    """Return a git configuration file. Every value is quoted; none has a line break."""
    lines = []
    for name, settings in sections.items():
        lines.append(f"[{name}]")
        for key, value in settings:
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'\t{key} = "{escaped}"')
    return "\n".join(lines) + "\n"


def _shell_quoted(path: Path) -> str:
    """Quote a path for the shell that git runs sshCommand with."""
    return "'" + str(path).replace("'", "'\\''") + "'"


def authorization(login: GitLogin) -> str:
    """Return the header that go-git sends already with the first request, or ""."""
    if login.username or login.password:
        pair = f"{login.username}:{login.password}".encode("utf-8", "surrogateescape")
        return f"Authorization: Basic {base64.b64encode(pair).decode()}"
    return f"Authorization: Bearer {login.bearer}" if login.bearer else ""


def proxy_url(proxy: Proxy) -> str:
    """Return a proxy's URL in curl's form. It contains the password: use it in configuration files only."""
    scheme = {"socks5": "socks5h"}.get(proxy.scheme, proxy.scheme)
    credentials = quoted(proxy.username) + (f":{quoted(proxy.password)}" if proxy.password else "")
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    return f"{scheme}://{f'{credentials}@' if credentials else ''}{host}:{proxy.port}"


def system_authorities() -> bytes:
    """Return the system's certificate authorities; go-git adds those of the Secret to them."""
    candidates = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_BUNDLES)
    for path in filter(None, candidates):
        if Path(path).is_file():
            return Path(path).read_bytes()
    return b""


def plain_key(login: GitLogin) -> bytes:
    """Return the ssh key in OpenSSH's file format without a passphrase, because ssh cannot prompt for one.

    Raises UnreachableError (UNKNOWN) if it is not a private key, or if its passphrase is missing or wrong.
    """
    passphrase = login.passphrase.encode("utf-8", "surrogateescape") or None
    for load in (serialization.load_ssh_private_key, serialization.load_pem_private_key):
        # A passphrase for a key without one is an error in this library; Go ignores it.
        for password in dict.fromkeys((passphrase, None)):
            try:
                key = load(login.identity, password)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                continue
            try:
                return key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
                )
            except (ValueError, TypeError, UnsupportedAlgorithm):
                break
    reason = (
        "is encrypted, or its password is wrong"
        if b"ENCRYPTED" in login.identity or login.passphrase
        else "is not a private key"
    )
    raise UnreachableError(Answer.UNKNOWN, f"identity in Secret {login.secret} {reason}")
