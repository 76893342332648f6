"""Folding: what is a cause, what waits for it, in which order, and that nothing failing is silent."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from fluxdoctor import causes
from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.model.finding import Confidence, Finding, Problem, Severity
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Hit, Outcome, Rule, fallbacks
from tests.helpers.gaps import gap
from tests.helpers.worlds import ABOUT, FLEET, KINDS, condition, kustomization, rules, world

WAITS = "dependency 'flux-system/{}' is not ready"


def ks(name: str) -> Ref:
    return Ref("Kustomization", "flux-system", name)


def rule(rule_id: str, **more: object) -> Rule:
    return Rule(id=rule_id, severity=Severity.ERROR, summary="s", message="m", fix="f", **more)  # type: ignore[arg-type]


ROOT = rule("kustomize/root")
OTHER = rule("kustomize/other")
WAIT = rule("kustomize/wait", role="symptom")


def fold(snapshot: Snapshot, *hits: tuple[Rule, Problem]) -> list[Finding]:
    outcome = Outcome(tuple(Hit(r, p) for r, p in hits), ())
    return list(causes.fold(outcome, snapshot, fallbacks()))


def line(finding: Finding) -> str:
    also = f" also {', '.join(r.name for r in finding.also)}" if finding.also else ""
    blocks = f" blocks {', '.join(r.name for r in finding.blocks)}" if finding.blocks else ""
    return f"{finding.severity} {finding.rule} {finding.subject.name}{also}{blocks}"


def chain(*names: str) -> Snapshot:
    """The first fails of its own, each other waits for the one before it."""
    texts = [kustomization(names[0], "BuildFailed", "kaputt")]
    texts += [kustomization(n, "DependencyNotReady", WAITS.format(b)) for b, n in pairwise(names)]
    return world(FLEET + "".join(texts))


def waits(name: str, *on: str) -> tuple[Rule, Problem]:
    return WAIT, Problem(ks(name), because=tuple(ks(o) for o in on))


def test_a_chain_folds_to_its_first_link() -> None:
    found = fold(chain("a", "b", "c", "d"), (ROOT, Problem(ks("a"))), waits("b", "a"), waits("c", "b"), waits("d", "c"))
    assert [line(f) for f in found] == ["error kustomize/root a blocks b, c, d"]


def test_the_deepest_unexplained_object_is_the_root() -> None:
    found = fold(chain("a", "b", "c"), waits("b", "a"), waits("c", "b"))
    assert [line(f) for f in found] == ["error flux/unexplained a blocks b, c"]
    assert found[0].message == "fails and no rule matches; its controller reports: kaputt"


def test_what_waits_for_a_cycle_is_blocked_by_it_whatever_its_name() -> None:
    """One in front of a cycle and one between two cycles sort before the members of the last cycle, which is the root."""
    for names in (("a", "b", "c"), ("c", "a", "b"), ("b", "c", "a")):
        outside, first, second = names
        snapshot = world(FLEET + "".join(kustomization(n, "DependencyNotReady", "waits") for n in names))
        findings = fold(snapshot, waits(outside, first), waits(first, second), waits(second, first))
        member, blocked = min(first, second), sorted({*names} - {min(first, second)})
        assert [line(f) for f in findings] == [f"error kustomize/wait {member} blocks {', '.join(blocked)}"]
    snapshot = world(FLEET + "".join(kustomization(n, "DependencyNotReady", "waits") for n in "abcd"))
    findings = fold(snapshot, waits("a", "b", "c"), waits("b", "a"), waits("c", "d"), waits("d", "c"))
    assert [line(f) for f in findings] == ["error kustomize/wait c blocks a, b, d"]


def test_independent_causes_are_all_told_the_one_that_blocks_more_first() -> None:
    snapshot = world(
        FLEET
        + kustomization("a", "BuildFailed", "x")
        + kustomization("b", "BuildFailed", "y")
        + kustomization("c", "DependencyNotReady", WAITS.format("b"))
    )
    found = fold(snapshot, (ROOT, Problem(ks("a"))), (ROOT, Problem(ks("b"))), waits("c", "b"))
    assert [line(f) for f in found] == ["error kustomize/root b blocks c", "error kustomize/root a"]


def test_an_object_that_waits_for_two_is_under_both() -> None:
    snapshot = world(
        FLEET
        + kustomization("a", "BuildFailed", "x")
        + kustomization("b", "BuildFailed", "y")
        + kustomization("c", "HealthCheckFailed", "z")
    )
    found = fold(snapshot, (ROOT, Problem(ks("a"))), (OTHER, Problem(ks("b"))), waits("c", "a", "b"))
    assert [line(f) for f in found] == ["error kustomize/other b blocks c", "error kustomize/root a blocks c"]


def test_what_waits_for_a_circle_and_for_a_cause_beyond_it_is_under_both() -> None:
    """The rule of the circle stands for what its members say: that one of them waits for the next is not lost with it."""
    snapshot = world(
        FLEET
        + kustomization("gate", "ArtifactFailed", "kustomization path not found: stat /tmp/k/gate: no such file")
        + kustomization("a", "DependencyNotReady", WAITS.format("b"), spec="dependsOn: [{name: b}]")
        + kustomization("b", "DependencyNotReady", WAITS.format("a"), spec="dependsOn: [{name: a}, {name: gate}]")
    )
    assert [line(f) for f in diagnose(snapshot, rules()).findings if f.severity is Severity.ERROR] == [
        "error kustomize/path-not-found gate blocks a, b",
        "error kustomize/dependency-cycle a blocks b",
    ]


def test_what_shares_a_cause_is_one_finding() -> None:
    snapshot = world(FLEET + "".join(kustomization(n, "BuildFailed", "x") for n in "abc"))
    found = fold(
        snapshot, *((ROOT, Problem(ks(n), shared="host")) for n in "ab"), (ROOT, Problem(ks("c"), shared="other"))
    )
    assert [line(f) for f in found] == ["error kustomize/root a also b", "error kustomize/root c"]


def test_the_source_leads_what_reads_it_though_that_blocks_more() -> None:
    snapshot = chain("a", "b")
    fleet = Ref("GitRepository", "flux-system", "fleet")
    found = fold(
        snapshot, (ROOT, Problem(ks("a"), shared="host")), (ROOT, Problem(fleet, shared="host")), waits("b", "a")
    )
    assert [line(f) for f in found] == ["error kustomize/root fleet also a blocks b"]


def test_one_missing_object_that_two_rules_see_is_one_finding_of_the_one_that_blocks_more() -> None:
    gone = Ref("Namespace", "", "shop")
    found = fold(
        chain("a", "b"),
        (OTHER, Problem(ks("c"), missing=gone)),
        (ROOT, Problem(ks("a"), missing=gone)),
        waits("b", "a"),
    )
    assert [line(f) for f in found] == ["error kustomize/root a also c blocks b"]


def test_proof_beats_the_message_and_keeps_the_controllers_words() -> None:
    told = Problem(ks("a"), confidence=Confidence.REPORTED)
    found = fold(chain("a"), (ROOT, told), (ROOT, Problem(ks("a"))))
    assert [line(f) for f in found] == ["error kustomize/root a"]
    assert found[0].confidence is Confidence.PROVEN
    assert [e.what for e in found[0].evidence] == ['BuildFailed: "kaputt"', "for 1h"]


def test_a_rule_that_supersedes_explains_what_the_other_says() -> None:
    deeper = rule("kustomize/deeper", supersedes=("kustomize/root",))
    repository = Ref("GitRepository", "flux-system", "fleet")
    found = fold(chain("a"), (ROOT, Problem(ks("a"))), (deeper, Problem(repository, explains=(ks("a"),))))
    assert [line(f) for f in found] == ["error kustomize/deeper fleet blocks a"]


def test_symptoms_that_wait_for_each_other_are_told_once() -> None:
    snapshot = world(
        FLEET
        + kustomization("a", "DependencyNotReady", WAITS.format("b"))
        + kustomization("b", "DependencyNotReady", WAITS.format("a"))
    )
    assert [line(f) for f in fold(snapshot, waits("a", "b"), waits("b", "a"))] == ["error kustomize/wait a blocks b"]


def test_a_cause_that_cannot_be_seen_is_said_to_be_so() -> None:
    snapshot = world(FLEET + kustomization("a", "DependencyNotReady", WAITS.format("b")), listed=("GitRepository",))
    found = fold(snapshot, waits("a", "b"))
    assert [line(f) for f in found] == ["error flux/cause-not-visible a"]
    assert found[0].message == "m; cause not visible: needs get on Kustomization/flux-system/b"
    assert found[0].confidence is Confidence.LIKELY


def test_what_waits_for_something_that_is_well_again_is_in_progress() -> None:
    fresh = kustomization("b", "DependencyNotReady", WAITS.format("a"), since="2026-01-01T11:59:50Z")
    found = fold(world(FLEET + kustomization("a") + fresh), waits("b", "a"))
    assert [line(f) for f in found] == ["info flux/in-progress b"]
    old = kustomization("b", "DependencyNotReady", WAITS.format("a"), since="2026-01-01T11:00:00Z")
    assert [line(f) for f in fold(world(FLEET + kustomization("a") + old), waits("b", "a"))] == [
        "error kustomize/wait b"
    ]


def test_a_missing_object_that_a_failing_kustomization_declares_is_its_consequence() -> None:
    snapshot = world(
        FLEET
        + kustomization("vars", "BuildFailed", "kaputt", spec="path: ./vars")
        + kustomization("apps", "BuildFailed", "substitute", spec="path: ./apps"),
        files={
            "git/flux-system/fleet/vars/kustomization.yaml": "resources: [settings.yaml, gone.yaml]\n",
            "git/flux-system/fleet/vars/settings.yaml": (
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: flux-system}\n"
            ),
        },
    )
    missing = Problem(ks("apps"), missing=Ref("ConfigMap", "flux-system", "settings"))
    found = fold(snapshot, (ROOT, missing), (OTHER, Problem(ks("vars"))))
    assert [line(f) for f in found] == ["error kustomize/other vars blocks apps"]


def test_consumers_of_a_failing_source_that_are_ready_are_stale() -> None:
    failing = FLEET.replace('status: "True", reason: Succeeded', 'status: "False", reason: GitOperationFailed')
    applied = "lastAppliedRevision: 'main@sha1:fedcba9876543210'"
    snapshot = world(failing + kustomization("apps", status=applied))
    found = fold(snapshot, (ROOT, Problem(Ref("GitRepository", "flux-system", "fleet"))))
    assert [(f.ref.name, f.revision) for f in found[0].freezes] == [("apps", "main@sha1:fedcba98")]


def test_ties_are_ordered_by_rule_and_subject_whatever_came_first() -> None:
    snapshot = world(FLEET + "".join(kustomization(n, "BuildFailed", "x") for n in "abc"))
    hits = [(ROOT, Problem(ks("c"))), (OTHER, Problem(ks("b"))), (ROOT, Problem(ks("a")))]
    wanted = ["error kustomize/other b", "error kustomize/root a", "error kustomize/root c"]
    assert [line(f) for f in fold(snapshot, *hits)] == wanted
    assert [line(f) for f in fold(snapshot, *reversed(hits))] == wanted


def test_what_visibly_fails_comes_before_what_is_green_and_errors_before_warnings() -> None:
    snapshot = world(FLEET + kustomization("a", "BuildFailed", "x") + kustomization("z"))
    soft = Problem(ks("a"), severity=Severity.WARNING, key="2")
    found = fold(snapshot, (OTHER, Problem(ks("z"))), (ROOT, Problem(ks("a"))), (OTHER, soft))
    assert [line(f) for f in found] == [
        "error kustomize/root a",
        "error kustomize/other z",
        "warning kustomize/other a",
    ]


def test_fingerprints_tell_rule_subject_and_key_apart_and_nothing_else() -> None:
    base = {"severity": Severity.ERROR, "confidence": Confidence.PROVEN, "message": "m", "fix": "f"}
    one = Finding(rule="a/b", subject=ks("x"), **base)  # type: ignore[arg-type]
    assert one.fingerprint == "49f47414022ca394"
    same = Finding(rule="a/b", subject=ks("x"), also=(ks("y"),), **{**base, "message": "other"})  # type: ignore[arg-type]
    keyed = Finding(rule="a/b", subject=ks("x"), key="k", **base)  # type: ignore[arg-type]
    assert same.fingerprint == one.fingerprint
    assert len({one.fingerprint, keyed.fingerprint, Finding(rule="a/c", subject=ks("x"), **base).fingerprint}) == 3  # type: ignore[arg-type]


def test_readers_of_a_source_that_is_held_back_by_another_serve_an_old_revision() -> None:
    source = FLEET.replace("Succeeded", "GitOperationFailed").replace('status: "True"', 'status: "False"')
    other = source.replace("name: fleet,", "name: shared,").replace("status: {", "status: {", 1)
    failing = source.replace("fleet.git", 'fleet.git", include: [{repository: {name: shared}}], x: "')
    snapshot = world(failing + other + kustomization("apps"))
    shared, fleet = (Ref("GitRepository", "flux-system", name) for name in ("shared", "fleet"))
    (found,) = fold(snapshot, (ROOT, Problem(shared)), (WAIT, Problem(fleet, because=(shared,))))
    assert (line(found), [f.ref.name for f in found.freezes]) == ("error kustomize/root shared blocks fleet", ["apps"])


def test_a_health_check_whose_pods_may_not_be_listed_says_which_right_is_missing() -> None:
    said = "health check failed after 2m: timeout waiting for: [Deployment/shop/web status: 'InProgress']"
    web = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {replicas: 1}\n"
    about = ABOUT + "- {kind: Kustomization, namespaces: all}\n- {kind: GitRepository, namespaces: all}\ngaps:\n"
    forbidden = about + '- {what: Pod/shop, why: "forbidden: pods is forbidden"}\n'
    objects = FLEET + kustomization("apps", "HealthCheckFailed", said) + web
    (found,) = diagnose(world(objects, files={"snapshot.yaml": forbidden}), rules()).findings
    assert line(found) == "error flux/cause-not-visible apps"
    assert found.message == (
        "waits for objects that did not become ready: Deployment/shop/web (InProgress); "
        "cause not visible: needs list on Pod/shop"
    )


def test_symptoms_in_a_circle_say_so() -> None:
    snapshot = world(
        FLEET + "".join(kustomization(n, "DependencyNotReady", WAITS.format(b)) for n, b in ("ab", "bc", "ca"))
    )
    (found,) = fold(snapshot, waits("a", "b"), waits("b", "c"), waits("c", "a"))
    assert line(found) == "error kustomize/wait a blocks b, c"
    assert [e.what for e in found.evidence if "each other" in e.what] == [
        "these objects wait for each other: Kustomization/flux-system/a -> Kustomization/flux-system/b"
        " -> Kustomization/flux-system/c -> Kustomization/flux-system/a"
    ]


def test_what_a_gap_names_is_not_absent_though_its_kind_was_listed() -> None:
    about = ABOUT + "- {kind: Kustomization, namespaces: all}\n- {kind: GitRepository, namespaces: all}\ngaps:\n"
    for what in ("GitRepository/infra", "GitRepository/infra/fleet"):
        about_this = f"{about}- {{what: {what}, why: 'forbidden: gitrepositories is forbidden'}}\n"
        lacks = kustomization("a", "ArtifactFailed", "Source artifact not found, retrying in 30s")
        lacks = lacks.replace("name: fleet}", "name: fleet, namespace: infra}")
        (found,) = diagnose(world(lacks, files={"snapshot.yaml": about_this}), rules()).findings
        assert line(found) == "error flux/cause-not-visible a"
        assert found.message.endswith("cause not visible: needs get on GitRepository/infra/fleet")


def test_an_artifact_that_two_generators_make_of_each_other_is_one_finding() -> None:
    def generator(name: str, reads: str, makes: str) -> str:
        said = condition(
            "ArtifactFailed", f"fetch sources failed: source ExternalArtifact/flux-system/{reads} not found"
        )
        return (
            "---\napiVersion: source.extensions.fluxcd.io/v1beta1\nkind: ArtifactGenerator\n"
            f"metadata: {{name: {name}, namespace: flux-system}}\n"
            f"spec: {{sources: [{{alias: s, kind: ExternalArtifact, name: {reads}}}], artifacts: [{{name: {makes}}}]}}\n"
            f"status: {{conditions: [{said}]}}\n"
        )

    objects = generator("g1", "e2", "e1") + generator("g2", "e1", "e2")
    found = diagnose(world(objects, listed=(*KINDS, "ArtifactGenerator", "ExternalArtifact")), rules()).findings
    assert [line(f) for f in found] == ["error source/generator-source-missing g1 blocks g2"]


def test_what_a_failing_generator_made_before_serves_an_old_revision() -> None:
    said = condition("ValidationFailed", "duplicate source alias 's' found")
    made = condition("Succeeded", "Artifact is ready", "True")
    api = "source.extensions.fluxcd.io/v1beta1"
    objects = (
        f"---\napiVersion: {api}\nkind: ArtifactGenerator\nmetadata: {{name: split, namespace: flux-system}}\n"
        f"spec: {{sources: [], artifacts: [{{name: part}}]}}\nstatus: {{conditions: [{said}]}}\n"
        "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: ExternalArtifact\nmetadata: {name: part, namespace: flux-system}\n"
        f"spec: {{sourceRef: {{apiVersion: {api}, kind: ArtifactGenerator, name: split, namespace: flux-system}}}}\n"
        f"status: {{conditions: [{made}], artifact: {{revision: 'main@sha1:0123456789abcdef'}}}}\n"
    )
    reader = kustomization("apps").replace("kind: GitRepository, name: fleet", "kind: ExternalArtifact, name: part")
    (found,) = diagnose(world(objects + reader), rules()).findings
    assert (line(found), [f.ref.name for f in found.freezes]) == (
        "error source/generator-invalid split",
        ["part", "apps"],
    )


def test_a_cluster_whose_controllers_could_not_be_seen_is_not_all_fine() -> None:
    hidden = gap("forbidden", "Deployment", "forbidden: triage cannot list it in all namespaces")
    report = diagnose(
        replace(world(FLEET), gaps=(hidden, gap("not-collected", "ReplicaSet", "healthy ones were left out"))), rules()
    )
    asked = [s.why for s in report.skipped if s.asked and s.why.endswith(("in all namespaces", "left out"))]
    assert (asked, report.verdict) == ([f"{hidden.scope!s}: {hidden.why}"], "incomplete")
