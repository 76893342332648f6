"""Makes fluxdoctor/schemas/merge-keys.json.gz: the keys by which kustomize merges the lists of Kubernetes' own kinds.

Needs Go. kustomize has Kubernetes' complete OpenAPI document built in, and reading it takes most of the time of a build with
a patch. A build needs only which lists are merged, and by which key, so the output contains nothing else.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent.parent / "fluxdoctor" / "schemas" / "merge-keys.json.gz"
#: The library of kustomize 5.8.1.
KYAML = "sigs.k8s.io/kustomize/kyaml@v0.21.1"
_MAIN = """package main

import (
	"encoding/json"
	"os"

	"sigs.k8s.io/kustomize/kyaml/openapi"
)

func main() {
	if err := json.NewEncoder(os.Stdout).Encode(openapi.Schema()); err != nil {
		panic(err)
	}
}
"""
_KIND = "x-kubernetes-group-version-kind"
_MERGE_KEYS = (
    "x-kubernetes-patch-merge-key",
    "x-kubernetes-patch-strategy",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
)


def main() -> int:
    """Write the document; the same module results in the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "go.mod").write_text("module merge\n\ngo 1.24\n")
        (work / "main.go").write_text(_MAIN)
        for arguments in (("get", KYAML), ("mod", "tidy")):
            subprocess.run(["go", *arguments], cwd=work, check=True)  # noqa: S603, S607 - the developer's own Go
        openapi = subprocess.run(["go", "run", "."], cwd=work, check=True, capture_output=True).stdout  # noqa: S607
    types = pruned(json.loads(openapi)["definitions"])
    text = json.dumps({"swagger": "2.0", "definitions": types, "paths": {}}, separators=(",", ":"), sort_keys=True)
    OUTPUT.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{OUTPUT}: {len(types)} types, {OUTPUT.stat().st_size} bytes")
    return 0


def pruned(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the types that have, or refer to, a merge key of a list; of each, only the fields that do."""
    needed: set[str] = set()
    earlier_count = -1
    while earlier_count != len(needed):
        earlier_count = len(needed)
        needed |= {
            n
            for n, d in definitions.items()
            if any(_has_merge_key(f, needed) for f in d.get("properties", {}).values())
        }
    return {name: _type(definitions[name], needed) for name in sorted(needed)}


def _has_merge_key(field: Mapping[str, Any], needed: set[str]) -> bool:
    inner = [f for f in (field.get("items"), field.get("additionalProperties")) if isinstance(f, dict)]
    return (
        any(key in field for key in _MERGE_KEYS)
        or _target(field) in needed
        or any(_has_merge_key(f, needed) for f in inner)
    )


def _target(field: Mapping[str, Any]) -> str:
    return str(field.get("$ref", "")).rpartition("/")[2]


def _type(definition: Mapping[str, Any], needed: set[str]) -> dict[str, Any]:
    properties = {name: _field(f, needed) for name, f in definition["properties"].items() if _has_merge_key(f, needed)}
    pruned_type: dict[str, Any] = {"type": "object", "properties": properties}
    return pruned_type | ({_KIND: definition[_KIND]} if _KIND in definition else {})


def _field(field: Mapping[str, Any], needed: set[str]) -> dict[str, Any]:
    pruned_field = {key: field[key] for key in ("type", *_MERGE_KEYS) if key in field}
    if _target(field) in needed:
        pruned_field["$ref"] = field["$ref"]
    for key in ("items", "additionalProperties"):
        if isinstance(field.get(key), dict):
            pruned_field[key] = _field(field[key], needed)
    return pruned_field


if __name__ == "__main__":
    sys.exit(main())
