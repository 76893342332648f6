"""Classifies what git and ssh print when a remote fails, as an Answer and one line of text."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Mapping, Sequence

from fluxdoctor.collect.git import web
from fluxdoctor.collect.git.login import GitLogin
from fluxdoctor.collect.git.route import Route
from fluxdoctor.collect.net.addresses import tls_answer
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.intake import credentials
from fluxdoctor.intake.redact import Redactor
from fluxdoctor.model.probes import Answer

_MAX_LENGTH = 200
#: The order matters: a line can match several answers. Checked against git 2.39 with curl 7.88 (GnuTLS) and OpenSSH 9.2.
_MESSAGES: Mapping[Answer, Sequence[str]] = {
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
        "repository '[^'\n]*+' not found", "returned error: 4(?:04|10)", "(?i)repository not found",
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
_PATTERNS = [(answer, [re.compile(p) for p in patterns]) for answer, patterns in _MESSAGES.items()]
_UNABLE_TO_ACCESS, _ELAPSED = re.compile(r"^unable to access '[^']*': "), re.compile(r" after \d+ ms")
_PRESENTED_KEY = re.compile(r"fingerprint for the (\S+) key sent by the remote host is\s+(SHA256:\S+?)\.?\s")
_HTTP_ERROR = re.compile(r"returned error: (\d{3})")
_REDIRECT = re.compile(r"returned error: 30[1278]\b")
_PREFIX = re.compile(r"^(?:fatal|error|remote|ssh|warning): ?", re.I)
_BOILERPLATE = re.compile(
    r"^(?:Warning: Permanently added|Please make sure you have the correct access|and the repository exists|@+$|"
    r"Could not read from remote repository|Cloning into|warning: )"
)


def classify(output: str) -> tuple[Answer, str]:
    """Return the answer that the output of git and ssh means and the line that shows it, else UNKNOWN and the first line."""
    lines = [line for line in map(_clean_line, output.splitlines()) if line]
    for answer, patterns in _PATTERNS:
        for line in lines:
            if any(pattern.search(line) for pattern in patterns):
                return answer, line
    return Answer.UNKNOWN, lines[0] if lines else "git failed without an error message"


def presented_key(output: str) -> str:
    """Return a text with the host key that ssh did not expect, or ""."""
    match = _PRESENTED_KEY.search(output)
    return f"the server presents the {match[1]} key {match[2]}" if match else ""


def plain_text(answer: Answer, line: str, login: GitLogin) -> str:
    """Return the meaning of an error line in plain text, without git's internals and without a secret of the login."""
    status = _HTTP_ERROR.search(line)
    if "could not read" in line or (status and status[1] == "401"):
        return "401: credentials are required" if login.is_anonymous else "401: the credentials are not accepted"
    if status:
        return f"the server answers {status[1]}"
    if answer is Answer.MALFORMED:
        return "the answer is not from a git server"
    if answer is Answer.NOT_FOUND and line.startswith("repository '"):
        return "the server answers 404"
    return redacted(_ELAPSED.sub("", _UNABLE_TO_ACCESS.sub("", line)).strip("@. "), login)


def is_redirect(output: str) -> bool:
    """Tell whether the server redirects; git is configured not to follow."""
    return bool(_REDIRECT.search(output))


def _clean_line(raw: str) -> str:
    line = "".join(c if c.isprintable() else " " for c in raw).strip()
    while prefix := _PREFIX.match(line):
        line = line[prefix.end() :].strip()
    return "" if _BOILERPLATE.match(line) else line


def redacted(text: str, login: GitLogin) -> str:
    """Return a server's text for a report: on one line, shortened, without any secret of the login."""
    line = " ".join(credentials.redacted(Redactor(login.values()).text(text)).split())
    return line if len(line) <= _MAX_LENGTH else line[: _MAX_LENGTH - 1] + "…"


def handshake_failure(route: Route, deadline: Deadline) -> tuple[Answer, str]:
    """Do the TLS handshake with Python, because GnuTLS does not say what is wrong with a certificate.

    Returns UNKNOWN if the handshake succeeds.
    """
    address = (route.addresses[0], route.remote.port)
    try:
        with (
            socket.create_connection(address, min(web.CONNECT, max(0.1, deadline.left()))) as connection,
            web.closed_at(deadline, lambda: connection.shutdown(socket.SHUT_RDWR)),
            web.context(route).wrap_socket(connection, server_hostname=route.remote.host) as tls_connection,
        ):
            # With TLS 1.3 a server reports a missing client certificate only after the handshake.
            tls_connection.settimeout(min(0.5, max(0.1, deadline.left())))
            with contextlib.suppress(TimeoutError):
                tls_connection.recv(1)
    except ssl.SSLError as error:
        reason = error.reason or "the server closed the handshake"
        if "CERTIFICATE_REQUIRED" in reason or "BAD_CERTIFICATE" in reason:
            return Answer.TLS, "the server requires a client certificate"
        return tls_answer(error), getattr(error, "verify_message", "") or reason.replace("_", " ").lower()
    except TimeoutError:
        return Answer.TIMEOUT, "the TLS handshake timed out"
    except OSError:
        return Answer.UNKNOWN, ""
    return Answer.UNKNOWN, ""
