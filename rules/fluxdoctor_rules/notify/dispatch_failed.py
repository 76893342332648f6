"""Notifications are not delivered: an Alert has no status, but its controller records events."""

import re
from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Problem, Ref

_RECENT = timedelta(minutes=30)
_MESSAGE = re.compile(
    r"failed to (?:send|dispatch) notification(?: for \S+)?: |failed to initialize notifier(?: for provider '[^']*')?: |"
    r"discarding event, access denied|failed to compile .+? regex|failed to read provider: |failed to create commit status: "
)


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Report the newest Warning event of each Alert; the cause of an old event may have been fixed since."""
    for alert in cluster.active("Alert"):
        event = next((e for e in cluster.events(alert.ref) if e.type == "Warning" and _MESSAGE.search(e.message)), None)
        if event is None or (event.at and clock.taken - event.at > _RECENT):
            continue
        provider = Ref("Provider", alert.namespace, alert.text("spec.providerRef.name"))
        subject = provider if cluster.get(provider) else alert.ref
        why = " ".join(event.message.split())
        times = f" ({event.count} times)" if event.count > 1 else ""
        proof = Evidence.event(f'{event.reason}: "{why}"', f"{alert.ref} event")
        facts: dict[str, Ref | str] = {"alert": alert.ref, "why": why, "times": times}
        yield Problem(subject, facts, evidence=(proof,), field="spec", key=str(alert.ref))
