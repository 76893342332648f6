"""No tag of an image passes a policy's filter."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, OciTags, Problem, State, state
from fluxdoctor_rules.image import _tags


def check(cluster: Cluster, oci: OciTags | None) -> Iterator[Problem]:
    """Apply the filter to the tags of the last scan, where all of them are known."""
    for policy in cluster.all("ImagePolicy"):
        known = _tags.of(policy, cluster, oci)
        if known is None or not known.complete or state(policy) is not State.FAILED:
            continue
        passed = _tags.filtered(policy, known.found)
        if passed is not None and not passed:
            pattern = policy.text("spec.filterTags.pattern")
            facts = {
                "repository": str(known.repository),
                "what": f"no tag matches {pattern}; it has {_tags.sample(known)}" if known.found else "it has no tags",
            }
            proof = Evidence(f"tags: {_tags.sample(known)}", f"{known.repository} status.lastScanResult")
            yield Problem(policy.ref, facts, evidence=(proof,), field="spec.filterTags.pattern")
