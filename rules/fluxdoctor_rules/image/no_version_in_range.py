"""No tag of an image satisfies the semver range of a policy."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, OciTags, Problem, State, semver, state
from fluxdoctor_rules.image import _tags


def check(cluster: Cluster, oci: OciTags | None) -> Iterator[Problem]:
    """Apply the filter and the range to the tags of the last scan, if all of them are known."""
    for policy in cluster.active("ImagePolicy"):
        constraint = policy.text("spec.policy.semver.range")
        tags = _tags.of(policy, cluster, oci) if constraint else None
        if tags is None or not tags.is_complete or state(policy) is not State.FAILED:
            continue
        matches = _tags.filtered(policy, tags.names)
        try:
            if not matches or semver.satisfying(constraint, matches):
                continue
            pre = (
                semver.satisfying(f"{constraint}-0", matches)
                if not semver.Constraint.parse(constraint).wants_prerelease
                else ()
            )
        except ValueError:
            continue
        hint = f"; {pre[0]} is a prerelease, which satisfies only a range with -0 ({constraint}-0)" if pre else ""
        facts = {"range": constraint, "what": f"{tags.repository} has {_tags.sample(tags)}{hint}"}
        proof = Evidence.field(f"tags: {_tags.sample(tags)}", f"{tags.repository} status.lastScanResult")
        yield Problem(policy.ref, facts, evidence=(proof,), field="spec.policy.semver.range")
