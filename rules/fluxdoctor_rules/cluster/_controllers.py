"""The Deployments of Flux's controllers: their version, their arguments and what they watch."""

import re
from dataclasses import dataclass

from fluxdoctor import Cluster, Resource

#: The minor version of each controller in each minor release of Flux 2 (github.com/fluxcd/flux2/releases, 2.0 to 2.9).
RELEASES: dict[str, dict[tuple[int, int], int]] = {
    "source-controller": {(1, n): n for n in range(10)},
    "kustomize-controller": {(1, n): n for n in range(10)},
    "notification-controller": {(1, n): n for n in range(10)},
    "helm-controller": {(0, 35): 0, (0, 36): 1, (0, 37): 2, **{(1, n): n + 3 for n in range(7)}},
    "image-reflector-controller": {**{(0, n + 29): n for n in range(7)}, **{(1, n): n + 7 for n in range(3)}},
    "image-automation-controller": {**{(0, n + 35): n for n in range(7)}, **{(1, n): n + 7 for n in range(3)}},
    "source-watcher": {(2, n): n + 7 for n in range(3)},
}
NEWEST = 9
_TAG = re.compile(r":v?(\d+)\.(\d+)\.\d+")
_SELECTOR = re.compile(
    r"(?P<key>[\w./-]+)\s*(?:(?P<op>=|==|!=)\s*(?P<value>[\w.-]*)|(?P<set>in|notin)\s*\((?P<values>[^)]*)\))?"
)


@dataclass(frozen=True, slots=True)
class Controller:
    """One Deployment that runs a controller."""

    name: str
    deployment: Resource
    image: str
    arguments: tuple[str, ...]

    @property
    def flux(self) -> int | None:
        """The minor release of Flux 2 that its image belongs to; None when it cannot be told."""
        found = _TAG.search(self.image.partition("@")[0])
        return RELEASES.get(self.name, {}).get((int(found[1]), int(found[2]))) if found else None

    def flag(self, name: str) -> str | None:
        """Return the value of ``--name=value``, "true" for a bare flag, None where it is not given."""
        for argument in self.arguments:
            head, equals, value = argument.lstrip("-").partition("=")
            if head == name:
                return value if equals else "true"
        return None

    def gate(self, name: str) -> bool | None:
        """Return how a feature gate is set; None where the arguments do not say."""
        gates = dict(g.partition("=")[::2] for g in (self.flag("feature-gates") or "").split(",") if g)
        return gates[name] == "true" if name in gates else None

    def watches(self, resource: Resource) -> bool:
        """Tell whether the label selector and the namespace scope take an object."""
        if self.flag("watch-all-namespaces") == "false" and resource.namespace != self.deployment.namespace:
            return False
        return all(_takes(term, resource) for term in _terms(self.flag("watch-label-selector") or ""))


def all_of(cluster: Cluster, name: str) -> tuple[Controller, ...]:
    """Return the Deployments that run a controller: one, or one a shard."""
    return tuple(_read(name, d) for d in cluster.controllers(name))


def _read(name: str, deployment: Resource) -> Controller:
    rows = deployment.rows("spec.template.spec.containers")
    container = next((r for r in rows if r.text("name") == "manager"), rows[0] if rows else None)
    if container is None:
        return Controller(name, deployment, "", ())
    return Controller(name, deployment, container.text("image"), container.strings("args"))


def _terms(selector: str) -> list[str]:
    """Split at the commas that do not stand between parentheses."""
    return [term.strip() for term in re.split(r",(?![^(]*\))", selector) if term.strip()]


def _takes(term: str, resource: Resource) -> bool:
    negated = term.startswith("!")
    found = _SELECTOR.fullmatch(term.lstrip("!").strip())
    if found is None:
        return True
    labels = dict(resource.items("metadata.labels"))
    key, value = found["key"], labels.get(found["key"])
    if found["set"]:
        inside = value in [v.strip() for v in found["values"].split(",")]
        return inside if found["set"] == "in" else not inside
    if found["op"]:
        return (value == found["value"]) == (found["op"] != "!=")
    return (key in labels) != negated
