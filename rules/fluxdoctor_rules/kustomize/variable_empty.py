"""An undefined variable became an empty string in an object that was applied."""

from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Fields, Manifests, Problem, Resource, Unknown, owner
from fluxdoctor_rules.kustomize._build import applied, live
from fluxdoctor_rules.shared.variables import Variables, defined, fields, sources, uses


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem | Unknown]:
    """Compare the declared text without the undefined variable with the value in the cluster."""
    for kustomization, build in applied(cluster, manifests):
        if not kustomization.has("spec.postBuild"):
            continue
        variables = defined(kustomization, cluster)
        if variables is None:
            yield from _unknown(kustomization, build, cluster)
        elif variables.names:
            yield from _empty(kustomization, build, variables, cluster)


def _unknown(kustomization: Resource, build: Build, cluster: Cluster) -> Iterator[Unknown]:
    """Yield the objects that could not be read, if they may define a variable."""
    inline = kustomization.keys("spec.postBuild.substitute")
    is_open = any(u.needs_value and u.name not in inline for _, _, text in fields(build) for u in uses(text))
    lookups = [cluster.look(ref) for ref, _, _ in sources(kustomization)] if is_open else []
    yield from (lookup.as_unknown(kustomization.ref) for lookup in lookups if lookup.unknown)


def _empty(
    kustomization: Resource, build: Build, variables: Variables, cluster: Cluster
) -> Iterator[Problem | Unknown]:
    reported: set[str] = set()
    names = frozenset(variables.names)
    for resource, path, text in fields(build):
        variable = _undefined(text, names)
        if not variable or variable in reported:
            continue
        lookup = live(resource, kustomization, cluster)
        deployed = lookup.resource
        if lookup.unknown:
            yield lookup.as_unknown(kustomization.ref)
        elif deployed and owner(deployed) == kustomization.ref:
            value = deployed.get(path)
            is_null = value is None and text == f"${{{variable}}}" and deployed.has(path[:-1])
            if is_null or value == _substituted(text, variables):
                reported.add(variable)
                yield _problem(kustomization, resource, path, (variable, str(deployed.ref), value or ""))


def _undefined(text: str, names: frozenset[str]) -> str:
    return next((u.name for u in uses(text) if u.needs_value and u.name not in names), "")


def _substituted(text: str, variables: Variables) -> str | None:
    """Return the text as it would be applied; None if that is not known."""
    for use in uses(text):
        default = use.rest[2:] if use.rest.startswith((":=", ":-")) else None
        if not use.valid or use.name in variables.secret or (use.rest and default is None):
            return None
        value = variables.values.get(use.name, default or "") or (default or "")
        text = text.replace(f"${{{use.name}{use.rest}}}", value)
    return text.replace("$$", "$").strip()


def _problem(
    kustomization: Resource, resource: Resource, path: tuple[str | int, ...], usage: tuple[str, str, str]
) -> Problem:
    location = resource.at(path)
    variable, name, value = usage
    places = ("spec.postBuild.substitute", *(str(ref) for ref, _, _ in sources(kustomization)))
    facts = {
        "where": str(location),
        "variable": variable,
        "object": name,
        "value": f'"{value}"',
        "sources": " or ".join(places),
    }
    return Problem(kustomization.ref, facts, field=Fields({}, path).dotted, location=location, key=variable)
