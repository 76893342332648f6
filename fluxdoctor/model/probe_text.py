"""The texts about probes. A probe shows how a source responds to the collector's machine, not to the controller."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from fluxdoctor.model.finding import Evidence
from fluxdoctor.model.probes import Answer, Probe
from fluxdoctor.model.times import age

#: The answers of a source. The other answers only mean that it was not probed.
WORDS: Mapping[Answer, str] = {
    Answer.OK: "success",
    Answer.DNS: "host name not resolved",
    Answer.REFUSED: "connection failed",
    Answer.TIMEOUT: "timed out",
    Answer.TLS_UNKNOWN_CA: "certificate signed by unknown authority",
    Answer.TLS_EXPIRED: "certificate expired or not yet valid",
    Answer.TLS_WRONG_NAME: "certificate is for another name",
    Answer.TLS: "TLS handshake failed",
    Answer.HOST_KEY_ABSENT: "no key of the host in known_hosts",
    Answer.HOST_KEY_MISMATCH: "host key differs from known_hosts",
    Answer.AUTHENTICATION: "access denied",
    Answer.NOT_FOUND: "not found",
    Answer.EMPTY: "the repository has no commit",
    Answer.MALFORMED: "response has the wrong format",
    Answer.TOO_LARGE: "response too large",
    Answer.RATE_LIMITED: "too many requests",
    Answer.SERVER_ERROR: "server error",
    Answer.PROXY: "proxy failed",
}
_JUST_NOW = timedelta(minutes=5)


def words(probe: Probe) -> str:
    """Return the answer of a source and its detail, ``access denied (401)``; "" if it was not probed."""
    answer = WORDS.get(probe.answer, "")
    return f"{answer} ({probe.detail})" if answer and probe.detail and probe.detail != answer else answer


def failed(probe: Probe | None) -> bool:
    """Tell whether a source was probed and the answer was not OK."""
    return probe is not None and probe.answer is not Answer.OK and probe.answer in WORDS


def evidence(probe: Probe, taken: datetime) -> Evidence:
    """Return a probe as evidence to add to the controller's message."""
    when = "just now" if probe.at is None or abs(taken - probe.at) < _JUST_NOW else f"{age(probe.at, taken)} ago"
    hint = "; check the controller's network and its copy of the Secrets" if probe.answer is Answer.OK else ""
    return Evidence.probe(f"probed from here, {when}: {words(probe)}{hint}", f"probe of {probe.target}")
