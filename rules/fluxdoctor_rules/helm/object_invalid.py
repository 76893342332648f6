"""The API server rejects an object of a chart because of one value."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Problem, object_names, release_namespace
from fluxdoctor_rules.helm._values import field_with

_ERROR = re.compile(r'(?<![\w.])(?P<object>[A-Za-z][\w.]*+) "(?P<name>[^"]++)" is invalid: (?P<detail>.+)', re.S)
_VALUE = re.compile(r'(?:Invalid|Unsupported) value: ("[^"]*"|-?[\d.]+)')


def check(failures: Failures) -> Iterator[Problem]:
    """Report the field of spec.values that has the rejected value, if it is the only one."""
    for failure in failures.failed:
        match = next((m for w in failure.words if (m := _ERROR.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or not match or "immutable" in match["detail"]:
            continue
        value = _VALUE.search(match["detail"])
        field = field_with(failure.resource, value[1]) if value else ""
        if field:
            texts = {k: " ".join(v.split()) for k, v in match.groupdict().items()}
            facts = object_names.canonical(texts, release_namespace(failure.resource))
            yield Problem(failure.ref, {**facts, "setter": field}, field=field, confidence=Confidence.REPORTED)
