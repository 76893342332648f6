"""An ArtifactGenerator that copies a path that its source does not have."""

from collections.abc import Iterator

from fluxdoctor import (
    Cluster,
    Evidence,
    Fields,
    GitTrees,
    Problem,
    Ref,
    Resource,
    Tree,
    clean,
    suggestion,
)

_WILD = "*?[{"


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Look up each ``@alias/path`` in the tree of its source: a file, a directory, or the directory before the first wildcard."""
    for generator in cluster.active("ArtifactGenerator"):
        sources = {row.text("alias"): _source(generator, row) for row in generator.rows("spec.sources")}
        for artifact in generator.rows("spec.artifacts"):
            for row in artifact.rows("copy"):
                alias, slash, path = row.text("from").removeprefix("@").partition("/")
                tree = git.tree(sources[alias]) if slash and alias in sources else None
                if tree is not None and not _exists(tree, path):
                    facts = {
                        "wanted": path,
                        "alias": f"{alias} ({sources[alias]})",
                        "hint": suggestion(tree.nearest(_fixed(path))),
                    }
                    proof = Evidence.field(
                        f"{_fixed(path)} is not one of the {len(tree.paths)} files",
                        str(sources[alias]),
                    )
                    yield Problem(generator.ref, facts, (proof,), field=row.dotted, key=row.text("from"))


def _source(generator: Resource, row: Fields) -> Ref:
    return Ref(row.text("kind"), row.text("namespace") or generator.namespace, row.text("name"))


def _fixed(path: str) -> str:
    """Return the part of a glob before the first wildcard, as a directory."""
    parts = path.split("/")
    wild = next((i for i, part in enumerate(parts) if any(c in part for c in _WILD)), len(parts))
    return clean("/".join(parts[:wild]))


def _exists(tree: Tree, path: str) -> bool:
    fixed = _fixed(path)
    return not fixed or tree.is_directory(fixed) or (fixed == clean(path) and tree.is_file(fixed))
