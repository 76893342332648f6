"""The Deployments of the Flux controllers: their version, their arguments and the objects that they watch."""

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
        """The minor release of Flux 2 that the image belongs to; None if its tag is not a known version."""
        match = _TAG.search(self.image.partition("@")[0])
        return RELEASES.get(self.name, {}).get((int(match[1]), int(match[2]))) if match else None

    def flag(self, name: str) -> str | None:
        """Return the value of ``--name=value``, "true" for a bare flag, None if the flag is not set."""
        for argument in self.arguments:
            head, equals, value = argument.lstrip("-").partition("=")
            if head == name:
                return value if equals else "true"
        return None

    def gate(self, name: str) -> bool | None:
        """Return the value of a feature gate; None if the arguments do not set it."""
        gates = dict(g.partition("=")[::2] for g in (self.flag("feature-gates") or "").split(",") if g)
        return gates[name] == "true" if name in gates else None

    def watches(self, resource: Resource) -> bool:
        """Return whether the label selector and the namespace scope match an object."""
        if self.flag("watch-all-namespaces") == "false" and resource.namespace != self.deployment.namespace:
            return False
        return all(_matches(term, resource) for term in _terms(self.flag("watch-label-selector") or ""))


def all_of(cluster: Cluster, name: str) -> tuple[Controller, ...]:
    """Return the Deployments that run a controller: one, or one for each shard."""
    return tuple(_read(name, d) for d in cluster.controllers(name))


def _read(name: str, deployment: Resource) -> Controller:
    rows = deployment.rows("spec.template.spec.containers")
    container = next((r for r in rows if r.text("name") == "manager"), rows[0] if rows else None)
    if container is None:
        return Controller(name, deployment, "", ())
    return Controller(name, deployment, container.text("image"), container.strings("args"))


def _terms(selector: str) -> list[str]:
    """Split a label selector at the commas outside of parentheses."""
    return [term.strip() for term in re.findall(r"(?:\([^)]*+(?:\)|\Z)|[^,(])++", selector) if term.strip()]


def _matches(term: str, resource: Resource) -> bool:
    is_negated = term.startswith("!")
    match = _SELECTOR.fullmatch(term.lstrip("!").strip())
    if match is None:
        return True
    labels = dict(resource.items("metadata.labels"))
    key, value = match["key"], labels.get(match["key"])
    if match["set"]:
        is_member = value in [v.strip() for v in match["values"].split(",")]
        return is_member if match["set"] == "in" else not is_member
    if match["op"]:
        return (value == match["value"]) == (match["op"] != "!=")
    return (key in labels) != is_negated
