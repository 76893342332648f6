"""A failing Kustomization is retried only after its long interval."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Failures, Problem, State, condition, interval

_LONG = timedelta(hours=1)
#: For these reasons the controller retries after its own short delay, not after the interval (kustomize-controller 1.9).
_SOON = ("DependencyNotReady", "ArtifactFailed", "Progressing")


def check(failures: Failures) -> Iterator[Problem]:
    """Find failures that are retried after a long spec.interval, because spec.retryInterval is not set."""
    for failure in failures.failed:
        kustomization, ready = failure.resource, condition(failure.resource, "Ready")
        if failure.ref.kind != "Kustomization" or failure.state is not State.FAILED or ready is None:
            continue
        stalled = condition(kustomization, "Stalled")
        if kustomization.has("spec.retryInterval") or interval(kustomization) < _LONG or ready.reason in _SOON:
            continue
        if not (stalled and stalled.status == "True"):
            every = kustomization.text("spec.interval")
            yield Problem(failure.ref, {"every": every}, field="spec.retryInterval", shared=every)
