"""The manifest that uses an undefined variable, and where the variable can be defined."""

import re
from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Failures, Fields, Manifests, Problem, Resource, nearest, suggestion
from fluxdoctor_rules.shared.variables import defined, fields, sources, uses

_ERROR = re.compile(
    r"""(?:post build failed for '(?P<object>[^']*+)'.{0,300}?)?variable not set \(strict mode\): "(?P<variable>[^"]+)\"""",
    re.S,
)

_Place = tuple[Resource, tuple[str | int, ...]]


def check(failures: Failures, manifests: Manifests, cluster: Cluster) -> Iterator[Problem]:
    """Find the file and line of the use; yield nothing if the files of the source are not known."""
    for failure in failures.failed:
        error = next((m for w in failure.words if (m := _ERROR.search(w.message))), None)
        build = manifests.build(failure.resource) if failure.ref.kind == "Kustomization" else None
        if error and build:
            place = _place(build, error["variable"], (error["object"] or "").rpartition("/")[2])
            if place:
                yield _problem(failure.resource, error["variable"], place, cluster)


def _place(build: Build, variable: str, name: str) -> _Place | None:
    """Return the first use of a variable; a use in the object of this name comes before all others."""
    ranked = [
        (resource.name != name, (resource, path))
        for resource, path, text in fields(build)
        if any(u.name == variable and u.needs_value for u in uses(text))
    ]
    return min(ranked, key=lambda row: row[0])[1] if ranked else None


def _problem(kustomization: Resource, variable: str, place: _Place, cluster: Cluster) -> Problem:
    location, field = place[0].at(place[1]), Fields({}, place[1]).dotted
    variables = defined(kustomization, cluster)
    similar = nearest(variable, variables.names) if variables else ()
    facts = {
        "where": str(location),
        "variable": variable,
        "hint": suggestion(f"{name}{_of(name, kustomization, cluster)}" for name in similar),
        "sources": " or ".join(("spec.postBuild.substitute", *(str(ref) for ref, _, _ in sources(kustomization)))),
    }
    return Problem(kustomization.ref, facts, field=field, location=location, key=variable)


def _of(name: str, kustomization: Resource, cluster: Cluster) -> str:
    """Return the field or object that defines a variable, as `` of ...``."""
    if kustomization.has(("spec", "postBuild", "substitute", name)):
        return " of spec.postBuild.substitute"
    objects = ((ref, cluster.get(ref)) for ref, _, _ in sources(kustomization))
    return next((f" of {ref}" for ref, r in objects if r and (name in r.keys("data") or name in r.keys("keys"))), "")
