"""An ArtifactGenerator copies what is not in its source."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Fields, GitTrees, Problem, Ref, Resource, Tree, clean

_WILD = "*?[{"


def check(cluster: Cluster, trees: GitTrees) -> Iterator[Problem]:
    """Follow each ``@alias/path`` in the tree of its source: a file, a directory, or what stands before the first wildcard."""
    for generator in cluster.all("ArtifactGenerator"):
        sources = {row.text("alias"): _source(generator, row) for row in generator.rows("spec.sources")}
        for artifact in generator.rows("spec.artifacts"):
            for row in artifact.rows("copy"):
                alias, slash, path = row.text("from").removeprefix("@").partition("/")
                tree = trees.tree(sources[alias]) if slash and alias in sources else None
                if tree is not None and not _there(tree, path):
                    near = tree.nearest(_fixed(path))
                    facts = {
                        "wanted": path,
                        "alias": f"{alias} ({sources[alias]})",
                        "near": f"; the nearest is {near[0]}" if near else "",
                    }
                    proof = Evidence(f"no {_fixed(path)} among {len(tree.paths)} files", str(sources[alias]))
                    yield Problem(generator.ref, facts, (proof,), field=row.dotted, key=row.text("from"))


def _source(generator: Resource, row: Fields) -> Ref:
    return Ref(row.text("kind"), row.text("namespace") or generator.namespace, row.text("name"))


def _fixed(path: str) -> str:
    """Return the part of a glob before the first wildcard, as a directory."""
    parts = path.split("/")
    wild = next((i for i, part in enumerate(parts) if any(c in part for c in _WILD)), len(parts))
    return clean("/".join(parts[:wild]))


def _there(tree: Tree, path: str) -> bool:
    fixed = _fixed(path)
    return not fixed or tree.is_directory(fixed) or (fixed == clean(path) and tree.is_file(fixed))
