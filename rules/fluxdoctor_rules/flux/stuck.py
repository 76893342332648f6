"""An object whose controller began to work on it, and never came back."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Evidence, Failures, Problem, State, age, interval, timeout


def check(failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Ready=Unknown is normal for as long as the timeout allows; beyond that and an interval, the work was lost."""
    for failure in failures.waiting:
        resource = failure.resource
        patience = timeout(resource) + interval(resource) + timedelta(minutes=1)
        gone = resource.has("metadata.deletionTimestamp")
        if failure.state is not State.PROGRESSING or gone or failure.since is None:
            continue
        if clock.taken - failure.since > patience:
            said = " ".join(failure.message.split())
            facts = {"age": age(failure.since, clock.taken), "said": said}
            yield Problem(resource.ref, facts, evidence=(Evidence(said, f"{resource.ref} condition Ready=Unknown"),))
