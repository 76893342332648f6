"""An undefined variable became an empty text in an object that was applied."""

from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Fields, Manifests, Problem, Resource, Unknown, owner

from ._build import applied, live
from ._variables import Variables, defined, fields, sources, uses


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem | Unknown]:
    """Compare the declared text, with the undefined variable left out, with the value in the cluster."""
    for kustomization, build in applied(cluster, manifests):
        if not kustomization.has("spec.postBuild"):
            continue
        known = defined(kustomization, cluster)
        if known is None:
            yield from _unseen(kustomization, build, cluster)
        elif known.names:
            yield from _empty(kustomization, build, known, cluster)


def _unseen(kustomization: Resource, build: Build, cluster: Cluster) -> Iterator[Unknown]:
    """A variable may be defined in what could not be read."""
    inline = kustomization.keys("spec.postBuild.substitute")
    open_ = any(u.needs_value and u.name not in inline for _, _, text in fields(build) for u in uses(text))
    hidden = [seen.why for ref, _, _ in sources(kustomization) if (seen := cluster.look(ref)).unknown]
    if open_ and hidden:
        yield Unknown(kustomization.ref, "; ".join(hidden))


def _empty(kustomization: Resource, build: Build, known: Variables, cluster: Cluster) -> Iterator[Problem | Unknown]:
    told: set[str] = set()
    names = frozenset(known.names)
    for resource, path, text in fields(build):
        variable = _undefined(text, names)
        if not variable or variable in told:
            continue
        seen = live(resource, kustomization, cluster)
        found = seen.resource
        if seen.unknown:
            yield Unknown(kustomization.ref, seen.why)
        elif found and owner(found) == kustomization.ref:
            value = found.get(path)
            lost = value is None and text == f"${{{variable}}}" and found.has(path[:-1])
            if lost or value == _filled(text, known):
                told.add(variable)
                yield _problem(kustomization, resource, path, (variable, str(found.ref), value or ""))


def _undefined(text: str, names: frozenset[str]) -> str:
    return next((u.name for u in uses(text) if u.needs_value and u.name not in names), "")


def _filled(text: str, known: Variables) -> str | None:
    """Return the text as it would be applied; None where that is not known."""
    for use in uses(text):
        default = use.rest[2:] if use.rest.startswith((":=", ":-")) else None
        if not use.valid or use.name in known.secret or (use.rest and default is None):
            return None
        value = known.values.get(use.name, default or "") or (default or "")
        text = text.replace(f"${{{use.name}{use.rest}}}", value)
    return text.replace("$$", "$").strip()


def _problem(
    kustomization: Resource, resource: Resource, path: tuple[str | int, ...], said: tuple[str, str, str]
) -> Problem:
    location = resource.at(path)
    variable, name, value = said
    places = ("spec.postBuild.substitute", *(str(ref) for ref, _, _ in sources(kustomization)))
    facts = {
        "where": str(location),
        "variable": variable,
        "object": name,
        "value": f'"{value}"',
        "sources": " or ".join(places),
    }
    return Problem(kustomization.ref, facts, field=Fields({}, path).dotted, location=location, key=variable)
