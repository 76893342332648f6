"""No tag of an image matches the filter of a policy."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, OciTags, Problem, State, state
from fluxdoctor_rules.image import _tags


def check(cluster: Cluster, oci: OciTags | None) -> Iterator[Problem]:
    """Apply the filter to the tags of the last scan, if all of them are known."""
    for policy in cluster.active("ImagePolicy"):
        tags = _tags.of(policy, cluster, oci)
        if tags is None or not tags.is_complete or state(policy) is not State.FAILED:
            continue
        matches = _tags.filtered(policy, tags.names)
        if matches is not None and not matches:
            pattern = policy.text("spec.filterTags.pattern")
            facts = {
                "repository": str(tags.repository),
                "what": f"no tag matches {pattern}; the tags are {_tags.sample(tags)}"
                if tags.names
                else "it has no tags",
            }
            proof = Evidence.field(f"tags: {_tags.sample(tags)}", f"{tags.repository} status.lastScanResult")
            yield Problem(policy.ref, facts, evidence=(proof,), field="spec.filterTags.pattern")
