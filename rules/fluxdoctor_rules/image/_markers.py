"""Image policy markers: the comments that tell image-automation-controller 1.2 which lines to update."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fluxdoctor import Cluster, Edge, GitTrees, Graph, Location, Ref, Resource, Tree, clean

_MARKER = re.compile(r"#\s*\{\s*\"\$imagepolicy\"\s*:\s*\"(?P<namespace>[^\":]+):(?P<name>[^\":]+)(?::[^\"]*)?\"")


@dataclass(frozen=True, slots=True)
class Marker:
    """One comment: the policy that it names and its location."""

    policy: Ref
    location: Location


@dataclass(frozen=True, slots=True)
class Work:
    """An active ImageUpdateAutomation and the tree that it updates."""

    automation: Resource
    tree: Tree
    path: str
    markers: tuple[Marker, ...]

    @property
    def inside(self) -> tuple[Marker, ...]:
        """Return the markers below spec.update.path."""
        return tuple(m for m in self.markers if below(m.location.file, self.path))


def below(file: str, path: str) -> bool:
    """Return whether a file is below a directory; "" is the root."""
    return not path or file.startswith(path + "/")


def _all(tree: Tree) -> tuple[Marker, ...]:
    return tuple(m for path in tree.paths if path.endswith((".yaml", ".yml")) for m in _of(tree, path))


def _of(tree: Tree, path: str) -> Iterator[Marker]:
    if not tree.says(path, b"$imagepolicy"):
        return
    for number, line in enumerate(tree.text(path).decode("utf-8", "replace").splitlines(), 1):
        if match := _MARKER.search(line):
            policy = Ref("ImagePolicy", match["namespace"], match["name"])
            yield Marker(policy, Location(path, number, match.start() + 1))


def works(cluster: Cluster, graph: Graph, git: GitTrees) -> Iterator[Work]:
    """Yield the automations that check out the branch of their GitRepository, the only tree that is collected.

    The markers of a tree are searched once.
    """
    for automation in cluster.active("ImageUpdateAutomation"):
        source = next((r.target for r in graph.needs(automation.ref, Edge.SOURCE)), None)
        repository = cluster.get(source) if source else None
        tree = git.tree(source) if source else None
        if source is None or repository is None or tree is None:
            continue
        ref = automation.fields("spec.git.checkout.ref")
        is_other_branch = ref.keys() and ref.text("branch") != repository.text("spec.ref.branch")
        has_no_branch = any(repository.has(f"spec.ref.{k}") for k in ("tag", "semver", "commit"))
        path = automation.text("spec.update.path")
        # The Kustomization that applies the automation substitutes a text with ${.
        if not is_other_branch and not has_no_branch and "${" not in path:
            yield Work(automation, tree, clean(path), tree.memo(_all))


def selected(automation: Resource, cluster: Cluster) -> tuple[Ref, ...]:
    """Return the policies that an automation applies: those in its namespace that spec.policySelector selects."""
    labels = dict(automation.items("spec.policySelector.matchLabels"))
    policies = (p for p in cluster.all("ImagePolicy") if p.namespace == automation.namespace)
    return tuple(p.ref for p in policies if all(p.label(k) == v for k, v in labels.items()))
