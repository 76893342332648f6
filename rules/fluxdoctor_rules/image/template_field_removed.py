"""A commit message template uses a field that image-automation-controller 1.0 removed."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Target, Versions
from fluxdoctor_rules.shared import removed_apis

_REMOVED = re.compile(r"\.(?P<field>Updated|Changed\.ImageResult)\b")
_SINCE = (1, 0)


def check(cluster: Cluster, versions: Versions, target: Target | None) -> Iterator[Problem]:
    """Search the templates if the controller, or the target version, no longer supports the fields."""
    version = versions.of("image-automation-controller")
    is_planned = target is not None and target.flux is not None and target.flux >= removed_apis.TEMPLATE_FIELDS_REMOVED
    for automation in cluster.active("ImageUpdateAutomation"):
        match = _REMOVED.search(automation.text("spec.git.commit.messageTemplate"))
        if match and (is_planned or (version and version >= _SINCE)):
            proof = Evidence.field(f"messageTemplate uses {match[0]}", str(automation.ref))
            yield Problem(automation.ref, {"gone": match[0]}, (proof,), field="spec.git.commit.messageTemplate")
