"""No tag of an image satisfies a policy's version range."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, OciTags, Problem, State, semver, state
from fluxdoctor_rules.image import _tags


def check(cluster: Cluster, oci: OciTags | None) -> Iterator[Problem]:
    """Apply the filter and the range to the tags of the last scan, where all of them are known."""
    for policy in cluster.all("ImagePolicy"):
        wanted = policy.text("spec.policy.semver.range")
        known = _tags.of(policy, cluster, oci) if wanted else None
        if known is None or not known.complete or state(policy) is not State.FAILED:
            continue
        passed = _tags.filtered(policy, known.found)
        try:
            if not passed or semver.satisfying(wanted, passed):
                continue
            pre = (
                semver.satisfying(f"{wanted}-0", passed) if not semver.Constraint.parse(wanted).wants_prerelease else ()
            )
        except ValueError:
            continue
        hint = f"; {pre[0]} is a prerelease, which a range takes only with -0 ({wanted}-0)" if pre else ""
        facts = {"range": wanted, "what": f"{known.repository} has {_tags.sample(known)}{hint}"}
        proof = Evidence(f"tags: {_tags.sample(known)}", f"{known.repository} status.lastScanResult")
        yield Problem(policy.ref, facts, evidence=(proof,), field="spec.policy.semver.range")
