"""A kustomization.yaml does not list the files of flux bootstrap next to it: Flux no longer manages itself."""

from collections.abc import Iterator

from fluxdoctor import FILE_NAMES, Cluster, Evidence, GitTrees, Manifests, Problem, Ref, Tree, clean

_COMPONENTS, _SYNC = "gotk-components.yaml", "gotk-sync.yaml"


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Read the kustomization.yaml next to gotk-components.yaml in each repository that a Kustomization uses."""
    if cluster.all("FluxInstance"):
        return
    folders: dict[Ref, list[str]] = {}
    for kustomization in cluster.all("Kustomization"):
        source = Manifests.source(kustomization)
        if source in git.trees:
            folders.setdefault(source, []).append(clean(kustomization.text("spec.path")))
    for source, tree in sorted(git.trees.items()):
        for path in tree.paths:
            folder, _, name = path.rpartition("/")
            if (
                name == _COMPONENTS
                and tree.is_file(f"{folder}/{_SYNC}")
                and any(_is_below(folder, p) for p in folders.get(source, ()))
            ):
                yield from _unlisted(source, tree, folder)


def _is_below(folder: str, path: str) -> bool:
    return not path or folder == path or folder.startswith(path + "/")


def _unlisted(source: Ref, tree: Tree, folder: str) -> Iterator[Problem]:
    prefix = f"{folder}/" if folder else ""
    file = next((f"{prefix}{n}" for n in FILE_NAMES if tree.is_file(f"{prefix}{n}")), "")
    for body in tree.parsed(file).documents if file else ():
        entries = {entry.removeprefix("./") for entry in body.strings("resources")}
        for name in (_COMPONENTS, _SYNC):
            if name not in entries and tree.is_file(f"{prefix}{name}"):
                where = body.at("resources")
                proof = Evidence.file(f"resources: {', '.join(sorted(entries)) or 'none'}", str(where or file))
                yield Problem(source, {"file": file, "name": name}, (proof,), location=where, key=f"{file} {name}")
