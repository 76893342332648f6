"""What a probe saw from where the collector ran, in words. It is that view, and not the controller's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from fluxdoctor.model.finding import Evidence
from fluxdoctor.model.probes import Answer, Probe
from fluxdoctor.model.times import age

#: Answers that say how the source is; the others say only that it was not asked.
WORDS: Mapping[Answer, str] = {
    Answer.OK: "it answers",
    Answer.DNS: "the name does not resolve",
    Answer.REFUSED: "no connection",
    Answer.TIMEOUT: "no answer in time",
    Answer.TLS_UNKNOWN_CA: "its certificate is of an unknown authority",
    Answer.TLS_EXPIRED: "its certificate has expired or is not yet valid",
    Answer.TLS_WRONG_NAME: "its certificate is for another name",
    Answer.TLS: "the TLS handshake fails",
    Answer.HOST_KEY_ABSENT: "known_hosts has no key of the host",
    Answer.HOST_KEY_MISMATCH: "the host shows another key than known_hosts",
    Answer.AUTHENTICATION: "it refuses the login",
    Answer.NOT_FOUND: "not found",
    Answer.EMPTY: "the repository has no commit",
    Answer.MALFORMED: "the answer is not what such a server gives",
    Answer.TOO_LARGE: "the answer is too large",
    Answer.RATE_LIMITED: "too many requests",
    Answer.SERVER_ERROR: "an error of the server",
    Answer.PROXY: "the proxy cannot be used",
}
_JUST_NOW = timedelta(minutes=5)


def words(probe: Probe) -> str:
    """Say how a source answered: ``it refuses the login (401: it asks for a login)``; "" where it was not asked."""
    said = WORDS.get(probe.answer, "")
    return f"{said} ({probe.detail})" if said and probe.detail and probe.detail != said else said


def failed(probe: Probe | None) -> bool:
    """The source was asked and did not give what it should."""
    return probe is not None and probe.answer is not Answer.OK and probe.answer in WORDS


def evidence(probe: Probe, taken: datetime) -> Evidence:
    """Return a probe as evidence beside what the controller says."""
    when = "just now" if probe.at is None or abs(taken - probe.at) < _JUST_NOW else f"{age(probe.at, taken)} ago"
    hint = "; look at the controller's network and its copy of the Secrets" if probe.answer is Answer.OK else ""
    return Evidence(f"asked from here, {when}: {words(probe)}{hint}", f"probe of {probe.target}")
