"""An object whose reconciliation was started and never finished."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Evidence, Failures, Problem, State, age, interval, is_terminating, timeout


def check(failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Report Ready=Unknown that lasts longer than the timeout and an interval: that operation was lost."""
    for failure in failures.waiting:
        resource = failure.resource
        patience = timeout(resource) + interval(resource) + timedelta(minutes=1)
        if failure.state is not State.PROGRESSING or is_terminating(resource) or failure.since is None:
            continue
        if clock.taken - failure.since > patience:
            text = " ".join(failure.message.split())
            facts = {"age": age(failure.since, clock.taken), "said": text}
            yield Problem(
                resource.ref,
                facts,
                evidence=(Evidence.condition(text, f"{resource.ref} condition Ready=Unknown"),),
            )
