"""Makes the kustomization file that kustomize-controller builds: the directory's own or a generated one, plus spec fields.

Source: fluxcd/pkg kustomize 1.44 (kustomize_generator.go), which kustomize-controller 1.9 uses.
"""

from __future__ import annotations

import posixpath
from typing import Any

from fluxdoctor.model.manifests import kustomization_file, scanned
from fluxdoctor.model.resource import Resource
from fluxdoctor.model.tree import Tree, clean

_PLACEHOLDER = "_placeholder"

#: The fields of a kustomization file (kustomize 5.8, api/types/kustomization.go), in lower case: kustomize ignores the case.
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
_GENERATOR_FIELDS = frozenset(("name", "namespace", "behavior", "files", "literals", "envs", "env", "options", "type"))
_ROW_FIELDS = {
    "configMapGenerator": _GENERATOR_FIELDS,
    "secretGenerator": _GENERATOR_FIELDS,
    "patches": frozenset(("path", "patch", "target", "options")),
    "images": frozenset(("name", "newName", "tagSuffix", "newTag", "digest")),
}


class NotBuilt(Exception):  # noqa: N818 - the controller refuses: nothing here went wrong
    """The controller refuses before it builds. The message is the controller's."""


def body(tree: Tree, kustomization: Resource) -> dict[str, Any]:
    """Return the kustomization file that is built for a Kustomization. Raises NotBuilt if the controller refuses.

    Its content is shared with the tree: do not change it.
    """
    directory = clean(kustomization.text("spec.path"))
    file = kustomization_file(tree, directory)
    result = _own_body(tree, file) if file else _generated_body(tree, directory)
    spec = kustomization.fields("spec")
    for field, key in (("targetNamespace", "namespace"), ("namePrefix", "namePrefix"), ("nameSuffix", "nameSuffix")):
        if spec.text(field):
            result[key] = spec.text(field)
    patches = [{k: v for k, v in row.body.items() if k in ("patch", "target")} for row in spec.rows("patches")]
    if patches:
        result["patches"] = [*_list(result.get("patches")), *patches]
    if merges := spec.get("patchesStrategicMerge"):
        result["patchesStrategicMerge"] = [*_list(result.get("patchesStrategicMerge")), *_list(merges)]
    if components := _components(tree, directory, kustomization):
        result["components"] = [*_list(result.get("components")), *components]
    if images := spec.rows("images"):
        result["images"] = _merge_images(_list(result.get("images")), [dict(row.body) for row in images])
    return result


def _own_body(tree: Tree, file: str) -> dict[str, Any]:
    documents = tree.parsed(file).documents
    return _drop_unknown_fields(documents[0].body) if documents and isinstance(documents[0].body, dict) else {}


def _drop_unknown_fields(body: dict[str, Any]) -> dict[str, Any]:
    """Drop the fields that kustomize's types lack: the controller decodes the file into them and writes it again."""
    result = {k: v for k, v in body.items() if k.lower() in _FIELDS}
    for key, fields in _ROW_FIELDS.items():
        if isinstance(result.get(key), list):
            result[key] = [_select(row, fields) for row in result[key]]
    return result


def _select(row: Any, fields: frozenset[str]) -> Any:
    return {k: v for k, v in row.items() if k in fields} if isinstance(row, dict) else row


def _generated_body(tree: Tree, directory: str) -> dict[str, Any]:
    """List every manifest below a directory. Of a sub-directory with a kustomization file, list only the directory."""
    directories, files = scanned(tree, directory)
    entries = [f"./{posixpath.relpath(p, directory or '.')}" for p in sorted((*directories, *files))]
    result: dict[str, Any] = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return result | ({"resources": entries} if entries else {"namespace": _PLACEHOLDER})


def _components(tree: Tree, directory: str, kustomization: Resource) -> list[str]:
    is_optional = kustomization.flag("spec.ignoreMissingComponents")
    components = []
    for text in kustomization.strings("spec.components"):
        if text.startswith("/") or "://" in text:
            raise NotBuilt(f"component path '{text}' must be local and relative")
        if not is_optional or tree.is_directory(posixpath.join(directory, text)):
            components.append(text)
    return components


def _merge_images(own: list[Any], spec: list[dict[str, Any]]) -> list[Any]:
    """Merge images by name. A tag and a digest are replaced together (fluxcd/pkg kustomize 1.44)."""
    merged = [dict(image) if isinstance(image, dict) else image for image in own]
    for image in spec:
        match = next((m for m in merged if isinstance(m, dict) and m.get("name") == image.get("name")), None)
        if match is None:
            merged.append(image)
            continue
        if image.get("newName"):
            match["newName"] = image["newName"]
        if image.get("newTag") or image.get("digest"):
            for key in ("newTag", "digest"):
                match.pop(key, None)
                if image.get(key):
                    match[key] = image[key]
    return merged


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else []
