"""A manifest stored in Git LFS: Flux fetches the pointer, not the file."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Location, Problem, Tree

_POINTER = b"version https://git-lfs.github.com/spec/v1"


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Read the beginning of each manifest and chart in the artifact if .gitattributes enables LFS."""
    for source in cluster.active("GitRepository"):
        tree = git.tree(source.ref)
        if tree is None or not _uses_lfs(tree):
            continue
        files = [p for p in tree.paths if p.endswith((".yaml", ".yml", ".tgz")) and p not in tree.excluded]
        pointers = [p for p in files if tree.text(p).startswith(_POINTER)]
        if pointers:
            more = f" and {len(pointers) - 1} more" if len(pointers) > 1 else ""
            location = Location(pointers[0], 1)
            facts = {"file": f"{pointers[0]}{more}"}
            yield Problem(source.ref, facts, (Evidence.file("a Git LFS pointer", str(location)),), location=location)


def _uses_lfs(tree: Tree) -> bool:
    return any(p.rpartition("/")[2] == ".gitattributes" and b"filter=lfs" in tree.text(p) for p in tree.paths)
