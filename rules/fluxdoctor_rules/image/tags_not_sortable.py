"""An alphabetical policy for tags that are commit hashes selects an arbitrary image."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, OciTags, Problem
from fluxdoctor_rules.image import _tags

#: At least one digit and one letter, so that neither a date nor a word counts as a commit hash.
_COMMIT = re.compile(r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\Z")
_ENOUGH = 3


def check(cluster: Cluster, oci: OciTags | None) -> Iterator[Problem]:
    """Report policies for which all known tags, after the filter, are or end in a commit hash."""
    for policy in cluster.active("ImagePolicy"):
        tags = _tags.of(policy, cluster, oci) if policy.has("spec.policy.alphabetical") else None
        if tags is None:
            continue
        texts = _tags.filtered(policy, tags.names) or ()
        if len(texts) < _ENOUGH or not all(_COMMIT.match(tag.rpartition("-")[2]) for tag in texts):
            continue
        # A sortable part before the hash (a date, a build number) is compared first.
        prefixes = {tag.rpartition("-")[0] for tag in texts}
        if len(prefixes) == 1:
            proof = Evidence.field(f"tags: {_tags.sample(tags)}", f"{tags.repository} status.lastScanResult")
            latest = policy.text("status.latestRef.tag") or "the selected tag"
            facts = {"sample": ", ".join(texts[:3]), "chosen": latest}
            yield Problem(policy.ref, facts, evidence=(proof,), field="spec.policy.alphabetical")
