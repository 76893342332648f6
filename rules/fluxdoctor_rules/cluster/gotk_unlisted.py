"""The files of flux bootstrap stand beside a kustomization.yaml that does not list them: Flux no longer manages itself."""

from collections.abc import Iterator

from fluxdoctor import FILE_NAMES, Cluster, Evidence, GitTrees, Problem, Ref, Tree, clean

_COMPONENTS, _SYNC = "gotk-components.yaml", "gotk-sync.yaml"


def check(cluster: Cluster, trees: GitTrees) -> Iterator[Problem]:
    """Read the kustomization.yaml beside gotk-components.yaml in each repository that a Kustomization reads."""
    if cluster.all("FluxInstance"):
        return
    for source, tree in sorted(trees.trees.items()):
        read = [
            clean(k.text("spec.path"))
            for k in cluster.all("Kustomization")
            if Ref(
                k.text("spec.sourceRef.kind"),
                k.text("spec.sourceRef.namespace") or k.namespace,
                k.text("spec.sourceRef.name"),
            )
            == source
        ]
        for path in tree.paths:
            folder, _, name = path.rpartition("/")
            if name == _COMPONENTS and any(not p or folder == p or folder.startswith(p + "/") for p in read):
                yield from _unlisted(source, tree, folder)


def _unlisted(source: Ref, tree: Tree, folder: str) -> Iterator[Problem]:
    beside = f"{folder}/" if folder else ""
    file = next((f"{beside}{n}" for n in FILE_NAMES if tree.is_file(f"{beside}{n}")), "")
    for body in tree.parsed(file).documents if file else ():
        listed = {entry.removeprefix("./") for entry in body.strings("resources")}
        for name in (_COMPONENTS, _SYNC):
            if name not in listed and tree.is_file(f"{beside}{name}"):
                where = body.at("resources")
                proof = Evidence(f"resources: {', '.join(sorted(listed)) or 'none'}", str(where or file))
                yield Problem(source, {"file": file, "name": name}, (proof,), location=where, key=f"{file} {name}")
