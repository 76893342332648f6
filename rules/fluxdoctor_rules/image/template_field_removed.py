"""A commit message that uses fields which image-automation-controller 1.0 took away."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, State, Target, Versions, state
from fluxdoctor_rules.upgrade import _table

_REMOVED = re.compile(r"\.(?P<field>Updated|Changed\.ImageResult)\b")
_SINCE = (1, 0)


def check(cluster: Cluster, versions: Versions, target: Target | None) -> Iterator[Problem]:
    """Search the template, where the controller is known to be, or is to become, one that refuses the fields."""
    has = versions.of("image-automation-controller")
    planned = target is not None and target.flux is not None and target.flux >= _table.TEMPLATE_FIELDS_REMOVED
    for automation in cluster.all("ImageUpdateAutomation"):
        found = _REMOVED.search(automation.text("spec.git.commit.messageTemplate"))
        if found and (planned or (has and has >= _SINCE)) and state(automation) is not State.SUSPENDED:
            proof = Evidence(f"messageTemplate uses {found[0]}", str(automation.ref))
            yield Problem(automation.ref, {"gone": found[0]}, (proof,), field="spec.git.commit.messageTemplate")
