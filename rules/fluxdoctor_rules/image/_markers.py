"""The comments by which image-automation-controller finds the fields that it may change (image-automation-controller 1.2)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fluxdoctor import Cluster, Edge, GitTrees, Graph, Location, Ref, Resource, State, Tree, clean, state

_MARKER = re.compile(
    r"#\s*\{\s*\"\$imagepolicy\"\s*:\s*\"(?P<namespace>[^\":]+):(?P<name>[^\":]+)(?::(?P<part>[^\"]*))?\""
)
_PARTS = ("", "tag", "name", "digest")


@dataclass(frozen=True, slots=True)
class Marker:
    """One comment: the policy that it names, the part of the image it sets, and where it stands."""

    policy: Ref
    part: str
    location: Location

    @property
    def known_part(self) -> bool:
        """The part is one that the controller sets."""
        return self.part in _PARTS


@dataclass(frozen=True, slots=True)
class Work:
    """An active ImageUpdateAutomation, and the tree that it changes."""

    automation: Resource
    tree: Tree
    path: str
    markers: tuple[Marker, ...]

    @property
    def inside(self) -> tuple[Marker, ...]:
        """The markers below spec.update.path."""
        return tuple(m for m in self.markers if below(m.location.file, self.path))


def below(file: str, path: str) -> bool:
    """Tell whether a file is below a directory; "" is the root."""
    return not path or file.startswith(path + "/")


def _all(tree: Tree) -> tuple[Marker, ...]:
    return tuple(m for path in tree.paths if path.endswith((".yaml", ".yml")) for m in _of(tree, path))


def _of(tree: Tree, path: str) -> Iterator[Marker]:
    if not tree.says(path, b"$imagepolicy"):
        return
    for number, line in enumerate(tree.text(path).decode("utf-8", "replace").splitlines(), 1):
        if found := _MARKER.search(line):
            policy = Ref("ImagePolicy", found["namespace"], found["name"])
            yield Marker(policy, found["part"] or "", Location(path, number, found.start() + 1))


def works(cluster: Cluster, graph: Graph, trees: GitTrees) -> Iterator[Work]:
    """Yield the automations whose branch was fetched: the one that the GitRepository follows; a tree is searched once."""
    for automation in cluster.all("ImageUpdateAutomation"):
        source = next((r.target for r in graph.needs(automation.ref, Edge.SOURCE)), None)
        repository = cluster.get(source) if source else None
        tree = trees.tree(source) if source else None
        if source is None or repository is None or tree is None or state(automation) is State.SUSPENDED:
            continue
        ref = automation.fields("spec.git.checkout.ref")
        own, followed = ref.text("branch"), repository.text("spec.ref.branch")
        elsewhere = (ref.keys() and own != followed) or any(
            repository.has(f"spec.ref.{k}") for k in ("tag", "semver", "commit")
        )
        path = automation.text("spec.update.path")
        # A text with ${ is filled in by the Kustomization that applies it.
        if not elsewhere and "${" not in path and not automation.has("metadata.deletionTimestamp"):
            yield Work(automation, tree, clean(path), tree.once("image policy markers", _all))


def selected(automation: Resource, cluster: Cluster) -> tuple[Ref, ...]:
    """Return the policies that an automation applies: those of its namespace that spec.policySelector takes."""
    wanted = dict(automation.items("spec.policySelector.matchLabels"))
    policies = (p for p in cluster.all("ImagePolicy") if p.namespace == automation.namespace)
    return tuple(p.ref for p in policies if all(p.label(k) == v for k, v in wanted.items()))
