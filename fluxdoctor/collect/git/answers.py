"""What git and ssh say when a remote does not answer as it should, as a class of Answer."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Mapping, Sequence

from fluxdoctor.collect.git import web
from fluxdoctor.collect.git.login import GitLogin
from fluxdoctor.collect.git.way import Way
from fluxdoctor.collect.net.addresses import tls_answer
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.intake.redact import Redactor
from fluxdoctor.model.probes import Answer

_LONGEST = 200
#: The order matters: a line may speak of several things. Checked against git 2.39 with curl 7.88 (GnuTLS) and OpenSSH 9.2.
_SAID: Mapping[Answer, Sequence[str]] = {
    Answer.HOST_KEY_MISMATCH: ("REMOTE HOST IDENTIFICATION HAS CHANGED", "no matching host key type found"),
    Answer.HOST_KEY_ABSENT: (r"No \S+ host key is known for", "Host key verification failed"),
    Answer.PROXY: (
        "CONNECT tunnel failed", r"HTTP code \d+ from proxy", "(?i)resolve proxy|proxy connect|socks", "returned error: 407",
    ),
    Answer.AUTHENTICATION: (
        r"Permission denied \(", "Authentication failed for", "could not read (?:Username|Password)",
        "returned error: 40[13]", "Too many authentication failures", "(?i)access denied|not authori[sz]ed|deploy key",
    ),
    Answer.NOT_FOUND: (
        "repository '.*' not found", "returned error: 4(?:04|10)", "(?i)repository not found",
        "does not appear to be a git repository", "(?i)project you were looking for could not be found",
    ),
    Answer.RATE_LIMITED: ("returned error: 429", "(?i)too many requests|rate limit"),
    Answer.SERVER_ERROR: (r"returned error: 5\d\d", "(?i)internal server error"),
    Answer.MALFORMED: (
        "not valid: (?:is this a git|could not determine hash)", "invalid server response", "bad line length",
        "(?i)protocol error", "expected flush", "unexpected line", "invalid content-type", "invalid ls-refs",
    ),
    Answer.DNS: ("Could not resolve host", "Name or service not known", "nodename nor servname"),
    Answer.TIMEOUT: ("(?i)connection timed out|operation timed out", "Timeout was reached", "Connection timeout"),
    Answer.REFUSED: (
        "Connection (?:refused|reset|closed)", "No route to host", "Network is unreachable", "Failed to connect to",
        "Couldn't connect to server", "Empty reply from server", "kex_exchange_identification", "banner exchange",
        "(?:Recv|Send) failure",
    ),
    Answer.TLS: (r"(?i)\bSSL|\bTLS|gnutls|certificate|handshake",),
}  # fmt: skip
_PATTERNS = [(answer, [re.compile(p) for p in patterns]) for answer, patterns in _SAID.items()]
_ACCESS, _AFTER = re.compile(r"^unable to access '[^']*': "), re.compile(r" after \d+ ms")
_SHOWN = re.compile(r"fingerprint for the (\S+) key sent by the remote host is\s+(SHA256:\S+?)\.?\s")
_CODE = re.compile(r"returned error: (\d{3})")
_REDIRECT = re.compile(r"returned error: 30[1278]\b")
_NOISE = re.compile(r"^(?:fatal|error|remote|ssh|warning): ?", re.I)
_SILENT = re.compile(
    r"^(?:Warning: Permanently added|Please make sure you have the correct access|and the repository exists|@+$|"
    r"Could not read from remote repository|Cloning into|warning: )"
)


def classify(said: str) -> tuple[Answer, str]:
    """Return the class of what git and ssh printed, and the line that shows it; UNKNOWN with the first line otherwise."""
    lines = [line for line in map(_line, said.splitlines()) if line]
    for answer, patterns in _PATTERNS:
        for line in lines:
            if any(pattern.search(line) for pattern in patterns):
                return answer, line
    return Answer.UNKNOWN, lines[0] if lines else "git failed and did not say why"


def shown_key(said: str) -> str:
    """Return the fingerprint of the host key that ssh did not expect, or ""."""
    found = _SHOWN.search(said)
    return f"it shows the {found[1]} key {found[2]}" if found else ""


def plainly(answer: Answer, line: str, login: GitLogin) -> str:
    """Say in the words of a reader what git says in those of its own workings."""
    code = _CODE.search(line)
    if "could not read" in line or (code and code[1] == "401"):
        return "401: it asks for a login" if login.anonymous else "401: it does not accept the login"
    if code:
        return f"it answers {code[1]}"
    if answer is Answer.MALFORMED:
        return "the answer is not that of a git server"
    if answer is Answer.NOT_FOUND and line.startswith("repository '"):
        return "it answers 404"
    return safe(_AFTER.sub("", _ACCESS.sub("", line)).strip("@. "), login)


def redirected(said: str) -> bool:
    """The server sends us elsewhere; git was told not to follow."""
    return bool(_REDIRECT.search(said))


def _line(raw: str) -> str:
    clean = "".join(c if c.isprintable() else " " for c in raw).strip()
    while found := _NOISE.match(clean):
        clean = clean[found.end() :].strip()
    return "" if _SILENT.match(clean) else clean


def safe(text: str, login: GitLogin) -> str:
    """Return a text of a server for a report: no secret of the login in it, one line, not long."""
    flat = " ".join(Redactor(login.values()).text(text).split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def handshake(way: Way, deadline: Deadline) -> tuple[Answer, str]:
    """Shake hands by ourselves, for GnuTLS does not say what is wrong with a certificate: UNKNOWN where all is well."""
    address = (way.addresses[0], way.remote.port)
    try:
        with (
            socket.create_connection(address, min(web.CONNECT, max(0.1, deadline.left()))) as plain,
            web.ended(deadline, lambda: plain.shutdown(socket.SHUT_RDWR)),
            web.context(way).wrap_socket(plain, server_hostname=way.remote.host) as secure,
        ):
            # With TLS 1.3 a server that misses our certificate says so only after the handshake.
            secure.settimeout(min(0.5, max(0.1, deadline.left())))
            with contextlib.suppress(TimeoutError):
                secure.recv(1)
    except ssl.SSLError as error:
        reason = error.reason or "the server ends the handshake"
        if "CERTIFICATE_REQUIRED" in reason or "BAD_CERTIFICATE" in reason:
            return Answer.TLS, "the server asks for a client certificate"
        return tls_answer(error), getattr(error, "verify_message", "") or reason.replace("_", " ").lower()
    except TimeoutError:
        return Answer.TIMEOUT, "no answer to the TLS handshake"
    except OSError:
        return Answer.UNKNOWN, ""
    return Answer.UNKNOWN, ""
