"""The API server refuses an object of a chart because of one value."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Problem
from fluxdoctor_rules.helm._values import field_with

_SAID = re.compile(r'(?P<object>[A-Za-z][\w.]*) "(?P<name>[^"]+)" is invalid: (?P<detail>.+)', re.S)
_VALUE = re.compile(r'(?:Invalid|Unsupported) value: ("[^"]*"|-?[\d.]+)')


def check(failures: Failures) -> Iterator[Problem]:
    """The value that is quoted stands in spec.values, if exactly one field has it."""
    for failure in failures.failed:
        found = next((m for w in failure.words if (m := _SAID.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or not found or "immutable" in found["detail"]:
            continue
        value = _VALUE.search(found["detail"])
        field = field_with(failure.resource, value[1]) if value else ""
        if field:
            facts = {k: " ".join(v.split()) for k, v in found.groupdict().items()}
            yield Problem(failure.ref, {**facts, "setter": field}, field=field, confidence=Confidence.REPORTED)
