"""The text that Flux cannot read as a variable."""

import re
from collections.abc import Iterator

from fluxdoctor import Failures, Fields, Manifests, Problem

from ._variables import fields, uses

_SAID = re.compile(r"variable substitution failed: (?P<problem>missing closing brace|bad sub\w+|unable to parse[\w ]*)")


def check(failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    """Find the texts whose syntax is not Flux's, where the controller complains of one."""
    for failure in failures.failed:
        said = next((m for w in failure.words if (m := _SAID.search(w.message))), None)
        build = manifests.build(failure.resource) if failure.ref.kind == "Kustomization" else None
        for resource, path, text in fields(build) if said and build else ():
            bad = next((u for u in uses(text) if not u.valid), None)
            if bad and said:
                written = f"${{{bad.name}{bad.rest}}}" if bad.name else "${"
                location = resource.at(path)
                facts = {
                    "where": str(location),
                    "text": written.partition("\n")[0][:60],
                    "problem": said["problem"],
                }
                yield Problem(
                    failure.ref,
                    facts,
                    field=Fields({}, path).dotted,
                    location=location,
                    key=f"{resource.ref} {path}",
                )
