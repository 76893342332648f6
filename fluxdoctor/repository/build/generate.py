"""The kustomization file that kustomize-controller builds: the directory's own, or a generated one, with the spec's fields.

Read in fluxcd/pkg kustomize 1.44 (kustomize_generator.go), which kustomize-controller 1.9 uses.
"""

from __future__ import annotations

import posixpath
from typing import Any

from fluxdoctor.model.manifests import kustomization_file, scanned
from fluxdoctor.model.resource import Resource
from fluxdoctor.model.tree import Tree, clean

_PLACEHOLDER = "_placeholder"


#: The fields of a kustomization file (kustomize 5.8, api/types/kustomization.go), in lower case: it does not mind.
_FIELDS = frozenset(
    name.lower()
    for name in (
        "apiVersion", "kind", "metadata", "openapi", "namePrefix", "nameSuffix", "namespace", "commonLabels", "labels",
        "commonAnnotations", "patches", "patchesStrategicMerge", "patchesJson6902", "images", "imageTags", "replacements",
        "replicas", "vars", "sortOptions", "resources", "components", "crds", "bases", "configMapGenerator",
        "secretGenerator", "helmGlobals", "helmCharts", "helmChartInflationGenerator", "generatorOptions", "configurations",
        "generators", "transformers", "validators", "buildMetadata",
    )
)  # fmt: skip
_GENERATOR = frozenset(("name", "namespace", "behavior", "files", "literals", "envs", "env", "options", "type"))
_ROWS = {
    "configMapGenerator": _GENERATOR,
    "secretGenerator": _GENERATOR,
    "patches": frozenset(("path", "patch", "target", "options")),
    "images": frozenset(("name", "newName", "tagSuffix", "newTag", "digest")),
}


class NotBuilt(Exception):  # noqa: N818 - the controller says no: nothing here went wrong
    """Why the controller does not come as far as a build, in its own words."""


def body(tree: Tree, kustomization: Resource) -> dict[str, Any]:
    """Return the kustomization file that is built for a Kustomization: never change what is in it. Raises NotBuilt."""
    directory = clean(kustomization.text("spec.path"))
    file = kustomization_file(tree, directory)
    made = _own(tree, file) if file else _generated(tree, directory)
    spec = kustomization.fields("spec")
    for field, key in (("targetNamespace", "namespace"), ("namePrefix", "namePrefix"), ("nameSuffix", "nameSuffix")):
        if spec.text(field):
            made[key] = spec.text(field)
    patches = [{k: v for k, v in row.body.items() if k in ("patch", "target")} for row in spec.rows("patches")]
    if patches:
        made["patches"] = [*_list(made.get("patches")), *patches]
    if merges := spec.get("patchesStrategicMerge"):
        made["patchesStrategicMerge"] = [*_list(made.get("patchesStrategicMerge")), *_list(merges)]
    if components := _components(tree, directory, kustomization):
        made["components"] = [*_list(made.get("components")), *components]
    if images := spec.rows("images"):
        made["images"] = _images(_list(made.get("images")), [dict(row.body) for row in images])
    return made


def _own(tree: Tree, file: str) -> dict[str, Any]:
    documents = tree.parsed(file).documents
    return _known(documents[0].body) if documents and isinstance(documents[0].body, dict) else {}


def _known(body: dict[str, Any]) -> dict[str, Any]:
    """Drop what kustomize's types do not have: the controller reads the file into them and writes it again."""
    kept = {k: v for k, v in body.items() if k.lower() in _FIELDS}
    for key, fields in _ROWS.items():
        if isinstance(kept.get(key), list):
            kept[key] = [_of(row, fields) for row in kept[key]]
    return kept


def _of(row: Any, fields: frozenset[str]) -> Any:
    return {k: v for k, v in row.items() if k in fields} if isinstance(row, dict) else row


def _generated(tree: Tree, directory: str) -> dict[str, Any]:
    """Every manifest below, and each sub-directory that has a kustomization file, which is not looked into."""
    directories, files = scanned(tree, directory)
    entries = [f"./{posixpath.relpath(p, directory or '.')}" for p in sorted((*directories, *files))]
    made: dict[str, Any] = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return made | ({"resources": entries} if entries else {"namespace": _PLACEHOLDER})


def _components(tree: Tree, directory: str, kustomization: Resource) -> list[str]:
    optional = kustomization.flag("spec.ignoreMissingComponents")
    found = []
    for text in kustomization.strings("spec.components"):
        if text.startswith("/") or "://" in text:
            raise NotBuilt(f"component path '{text}' must be local and relative")
        if not optional or tree.is_directory(posixpath.join(directory, text)):
            found.append(text)
    return found


def _images(own: list[Any], spec: list[dict[str, Any]]) -> list[Any]:
    """Merge by name; a tag and a digest are replaced together (fluxcd/pkg kustomize 1.44)."""
    merged = [dict(image) if isinstance(image, dict) else image for image in own]
    for image in spec:
        same = next((m for m in merged if isinstance(m, dict) and m.get("name") == image.get("name")), None)
        if same is None:
            merged.append(image)
            continue
        if image.get("newName"):
            same["newName"] = image["newName"]
        if image.get("newTag") or image.get("digest"):
            for key in ("newTag", "digest"):
                same.pop(key, None)
                if image.get(key):
                    same[key] = image[key]
    return merged


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else []
