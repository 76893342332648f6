"""The text that Flux cannot parse as a variable."""

import re
from collections.abc import Iterator

from fluxdoctor import Failures, Fields, Manifests, Problem
from fluxdoctor_rules.shared.variables import fields, uses

_ERROR = re.compile(
    r"variable substitution failed: (?P<problem>missing closing brace|bad sub\w+|unable to parse[\w ]*)"
)


def check(failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    """Find the texts whose syntax Flux does not support, if the controller reports such an error."""
    for failure in failures.failed:
        error = next((m for w in failure.words if (m := _ERROR.search(w.message))), None)
        build = manifests.build(failure.resource) if failure.ref.kind == "Kustomization" else None
        for resource, path, text in fields(build) if error and build else ():
            bad = next((u for u in uses(text) if not u.valid), None)
            if bad and error:
                variable = f"${{{bad.name}{bad.rest}}}" if bad.name else "${"
                location = resource.at(path)
                facts = {
                    "where": str(location),
                    "text": variable.partition("\n")[0][:60],
                    "problem": error["problem"],
                }
                yield Problem(
                    failure.ref,
                    facts,
                    field=Fields({}, path).dotted,
                    location=location,
                    key=f"{resource.ref} {path}",
                )
