"""Conditions, generations and events are read against the moment of the snapshot; and what nobody could read is said."""

from __future__ import annotations

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.model.finding import Finding
from tests.helpers.worlds import FLEET, KINDS, kustomization, rules, world

WAITS = "dependency 'flux-system/{}' is not ready"
HOUR = "2026-01-01T11:00:00Z"


def told(objects: str, listed: tuple[str, ...] = KINDS) -> list[str]:
    return [line(f) for f in diagnose(world(objects, listed=listed), rules()).findings]


def line(finding: Finding) -> str:
    blocks = f" blocks {', '.join(r.name for r in finding.blocks)}" if finding.blocks else ""
    return f"{finding.severity} {finding.rule} {finding.subject.name}: {finding.message}{blocks}"


def event(kind: str, reason: str, message: str, at: str, name: str = "apps") -> str:
    return (
        f"---\napiVersion: v1\nkind: Event\nmetadata: {{name: {name}-{at[11:16].replace(':', '')}, namespace: flux-system}}\n"
        f"involvedObject: {{kind: Kustomization, namespace: flux-system, name: {name}}}\n"
        f'type: {kind}\nreason: {reason}\nmessage: "{message}"\nlastTimestamp: "{at}"\n'
    )


def changed(text: str, generation: int, judged: int) -> str:
    """Say of an object at which generation it is, and which one its Ready condition speaks of."""
    text = text.replace("metadata: {", f"metadata: {{generation: {generation}, ")
    return text.replace("{type: Ready,", f"{{type: Ready, observedGeneration: {judged},")


NAMESPACES = "".join(
    f"---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {n}}}\n" for n in ("apps", "flux-system")
)
BROKEN = kustomization(
    "apps", "ArtifactFailed", "kustomization path not found: stat /tmp/k/apps: no such file or directory"
)


def test_a_failure_of_the_present_generation_is_told() -> None:
    assert told(FLEET + changed(BROKEN, 2, 2)) == [
        "error kustomize/path-not-found apps: spec.path ./ is not in the artifact of GitRepository/flux-system/fleet"
    ]


def test_a_failure_of_an_older_generation_is_not_taken_for_the_present() -> None:
    assert told(FLEET + changed(BROKEN, 3, 2)) == [
        "info flux/in-progress apps: is being reconciled: the spec has changed and the controller has not reported on it yet;"
        " it reported on the previous generation: kustomization path not found: stat /tmp/k/apps: no such file or directory"
    ]


def test_what_waits_for_an_object_that_was_fixed_a_moment_ago_is_in_progress_however_long_it_waited() -> None:
    fixed = kustomization("base").replace(HOUR, "2026-01-01T11:59:30Z")
    waits = kustomization("apps", "DependencyNotReady", WAITS.format("base"), spec="dependsOn: [{name: base}]")
    found = diagnose(world(FLEET + fixed + waits.replace(HOUR, "2026-01-01T05:00:00Z")), rules()).findings
    assert [line(f) for f in found] == [
        "info flux/in-progress apps: is being reconciled: dependency 'flux-system/base' is not ready"
    ]
    assert [e.what for e in found[0].evidence] == [
        "DependencyNotReady: \"dependency 'flux-system/base' is not ready\"",
        "Kustomization/flux-system/base has been Ready for 30s",
        "for 7h",
    ]


def test_what_goes_on_waiting_for_an_object_that_is_long_well_is_told_with_that_proof() -> None:
    waits = kustomization("apps", "DependencyNotReady", WAITS.format("base"), spec="dependsOn: [{name: base}]")
    (finding,) = diagnose(world(FLEET + kustomization("base") + waits), rules()).findings
    assert finding.rule == "kustomize/dependency-not-ready"
    assert "Kustomization/flux-system/base has been Ready for 1h" in [e.what for e in finding.evidence]


def test_a_first_attempt_is_said_to_be_one() -> None:
    new = kustomization("apps", "Progressing", "reconciliation in progress", since="2026-01-01T11:59:50Z")
    new = new.replace('status: "False"', 'status: "Unknown"')
    assert told(FLEET + new) == [
        "info flux/in-progress apps: is being reconciled for the first time: reconciliation in progress"
    ]


def test_a_reconciliation_that_never_ends_is_stuck() -> None:
    old = kustomization("apps", "Progressing", "reconciliation in progress", since="2026-01-01T09:00:00Z")
    old = old.replace('status: "False"', 'status: "Unknown"')
    assert told(FLEET + old) == [
        "error flux/stuck apps: has been in progress for 3h, longer than its timeout and interval: reconciliation in progress"
    ]


def test_an_object_that_fails_and_recovers_in_turns_flaps() -> None:
    turns = [("Warning", "HealthCheckFailed", "timeout waiting for: [Deployment/apps/web status: 'InProgress']"),
             ("Normal", "ReconciliationSucceeded", "Reconciliation finished, next run in 10m")]  # fmt: skip
    events = "".join(event(*turns[i % 2], f"2026-01-01T11:{i * 10:02d}:00Z") for i in range(4))
    assert told(FLEET + kustomization("apps") + events) == [
        "info flux/flapping apps: is Ready now but flapping: 2 failures with successes in between, in the last 1h; the last failure:"
        " timeout waiting for: [Deployment/apps/web status: 'InProgress']"
    ]
    failing = BROKEN.replace(HOUR, "2026-01-01T11:40:00Z")
    (finding,) = diagnose(world(FLEET + failing + events), rules()).findings
    assert "flapping: 2 failures with successes in between, in the last 1h" in [e.what for e in finding.evidence]


def test_one_failure_and_one_recovery_is_no_flapping() -> None:
    events = event("Warning", "BuildFailed", "kaputt", "2026-01-01T11:10:00Z")
    events += event("Normal", "ReconciliationSucceeded", "finished", "2026-01-01T11:20:00Z")
    assert told(FLEET + kustomization("apps") + events) == []


def test_a_cause_that_could_not_be_read_is_named_with_the_right_that_it_takes() -> None:
    hidden = tuple(kind for kind in KINDS if kind != "Deployment")
    message = "health check failed after 1m: timeout waiting for: [Deployment/apps/web status: 'InProgress']"
    assert told(NAMESPACES + FLEET + kustomization("apps", "HealthCheckFailed", message), hidden) == [
        "error flux/cause-not-visible apps: waits for objects that did not become ready: Deployment/apps/web (InProgress);"
        " cause not visible: needs get on Deployment/apps/web"
    ]


def test_an_unknown_message_about_something_unread_does_not_guess() -> None:
    hidden = tuple(kind for kind in KINDS if kind != "Secret")
    failing = kustomization(
        "apps", "ReconciliationFailed", "key of 'remote' rejected", "kubeConfig: {secretRef: {name: remote}}"
    )
    assert told(NAMESPACES + FLEET + failing, hidden) == [
        "error flux/cause-not-visible apps: key of 'remote' rejected; cause not visible: needs get on Secret/flux-system/remote"
    ]
    assert [text.partition(":")[0] for text in told(NAMESPACES + FLEET + failing)] == [
        "error kustomize/kubeconfig-secret-missing apps"
    ]
