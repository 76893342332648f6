"""An alphabetical policy over tags that are commits: the chosen image is a random one."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, OciTags, Problem, State, state
from fluxdoctor_rules.image import _tags

#: At least a digit and a letter, so that neither a date nor a word is taken for a commit.
_COMMIT = re.compile(r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\Z")
_ENOUGH = 3


def check(cluster: Cluster, oci: OciTags | None) -> Iterator[Problem]:
    """Look at what is compared: the tags after the filter; all that are seen must end in, or be, a commit."""
    for policy in cluster.all("ImagePolicy"):
        known = _tags.of(policy, cluster, oci) if policy.has("spec.policy.alphabetical") else None
        if known is None or state(policy) is State.SUSPENDED:
            continue
        compared = _tags.filtered(policy, known.found) or ()
        if len(compared) < _ENOUGH or not all(_COMMIT.match(tag.rpartition("-")[2]) for tag in compared):
            continue
        # A sortable part before the commit (a date, a build number) decides first.
        heads = {tag.rpartition("-")[0] for tag in compared}
        if len(heads) == 1:
            proof = Evidence(f"tags: {_tags.sample(known)}", f"{known.repository} status.lastScanResult")
            chosen = policy.text("status.latestRef.tag") or "one of them"
            facts = {"sample": ", ".join(compared[:3]), "chosen": chosen}
            yield Problem(policy.ref, facts, evidence=(proof,), field="spec.policy.alphabetical")
