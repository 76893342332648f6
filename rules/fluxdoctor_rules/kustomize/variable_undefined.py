"""The manifest that uses a variable which the controller misses, and where it could be defined."""

import difflib
import re
from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Failures, Fields, Manifests, Problem, Resource

from ._variables import defined, fields, sources, uses

_SAID = re.compile(
    r"""(?:post build failed for '(?P<object>[^']*)'.*?)?variable not set \(strict mode\): "(?P<variable>[^"]+)\"""",
    re.S,
)

_Place = tuple[Resource, tuple[str | int, ...]]


def check(failures: Failures, manifests: Manifests, cluster: Cluster) -> Iterator[Problem]:
    """Find the file and line; silent where the controller's message is all that there is."""
    for failure in failures.failed:
        said = next((m for w in failure.words if (m := _SAID.search(w.message))), None)
        build = manifests.build(failure.resource) if failure.ref.kind == "Kustomization" else None
        if said and build:
            place = _place(build, said["variable"], (said["object"] or "").rpartition("/")[2])
            if place:
                yield _problem(failure.resource, said["variable"], place, cluster)


def _place(build: Build, variable: str, name: str) -> _Place | None:
    """Return the first use: the controller's own object first, for it has the name after prefixes and the like."""
    found = [
        (resource.name != name, (resource, path))
        for resource, path, text in fields(build)
        if any(u.name == variable and u.needs_value for u in uses(text))
    ]
    return min(found, key=lambda f: f[0])[1] if found else None


def _problem(kustomization: Resource, variable: str, place: _Place, cluster: Cluster) -> Problem:
    location, field = place[0].at(place[1]), Fields({}, place[1]).dotted
    found = defined(kustomization, cluster)
    near = difflib.get_close_matches(variable, found.names, 1, 0.7) if found else []
    facts = {
        "where": str(location),
        "variable": variable,
        "nearest": f"; the nearest is {near[0]}{_of(near[0], kustomization, cluster)}" if near else "",
        "sources": " or ".join(("spec.postBuild.substitute", *(str(ref) for ref, _, _ in sources(kustomization)))),
    }
    return Problem(kustomization.ref, facts, field=field, location=location, key=variable)


def _of(name: str, kustomization: Resource, cluster: Cluster) -> str:
    if kustomization.has(("spec", "postBuild", "substitute", name)):
        return " of spec.postBuild.substitute"
    held = ((ref, cluster.get(ref)) for ref, _, _ in sources(kustomization))
    return next((f" of {ref}" for ref, r in held if r and (name in r.keys("data") or name in r.keys("keys"))), "")
