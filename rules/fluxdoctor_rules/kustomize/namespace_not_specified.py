"""An object of a kind that lives in a namespace is declared without one."""

import re
from collections.abc import Iterator

from fluxdoctor import Evidence, Failures, Manifests, Problem
from fluxdoctor_rules.kustomize import _said

_NAMED = re.compile(r"(?P<object>[A-Z]\w*/[^\s/]+) namespace not specified: ")


def check(failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    """Find the declaration that the controller names, where git has it without a namespace."""
    for failure in failures.failed:
        if failure.ref.kind not in _said.APPLIERS:
            continue
        found = next((m for w in failure.words if (m := _NAMED.search(w.message))), None)
        declared = _said.in_git(manifests, found["object"], failure.ref) if found else None
        if found and declared and not declared.has("metadata.namespace"):
            place = declared.at("metadata")
            facts = {"object": found["object"], "where": f" ({place})" if place else ""}
            proof = Evidence("metadata.namespace is not set", str(place))
            yield Problem(failure.ref, facts, evidence=(proof,), field="metadata.namespace", location=place)
