"""Make fluxdoctor/schemas/merge-keys.json.gz: by which keys kustomize merges the lists of Kubernetes' own kinds.

Needs Go. kustomize has Kubernetes' whole OpenAPI document built in, and reading it takes most of the time of a build with
a patch. Of all that it says, a build needs which lists are merged, and by which key: that is kept.
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
_SAYS = (
    "x-kubernetes-patch-merge-key",
    "x-kubernetes-patch-strategy",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
)


def main() -> int:
    """Write the document; the same module gives the same bytes."""
    with tempfile.TemporaryDirectory() as held:
        work = Path(held)
        (work / "go.mod").write_text("module merge\n\ngo 1.24\n")
        (work / "main.go").write_text(_MAIN)
        for arguments in (("get", KYAML), ("mod", "tidy")):
            subprocess.run(["go", *arguments], cwd=work, check=True)  # noqa: S603, S607 - the developer's own Go
        whole = subprocess.run(["go", "run", "."], cwd=work, check=True, capture_output=True).stdout  # noqa: S607
    made = pruned(json.loads(whole)["definitions"])
    text = json.dumps({"swagger": "2.0", "definitions": made, "paths": {}}, separators=(",", ":"), sort_keys=True)
    OUTPUT.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{OUTPUT}: {len(made)} types, {OUTPUT.stat().st_size} bytes")
    return 0


def pruned(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the types that say, or lead to, how a list is merged; of each, the fields that do."""
    needed: set[str] = set()
    before = -1
    while before != len(needed):
        before = len(needed)
        needed |= {n for n, d in definitions.items() if any(_says(f, needed) for f in d.get("properties", {}).values())}
    return {name: _type(definitions[name], needed) for name in sorted(needed)}


def _says(field: Mapping[str, Any], needed: set[str]) -> bool:
    inner = [f for f in (field.get("items"), field.get("additionalProperties")) if isinstance(f, dict)]
    return any(key in field for key in _SAYS) or _target(field) in needed or any(_says(f, needed) for f in inner)


def _target(field: Mapping[str, Any]) -> str:
    return str(field.get("$ref", "")).rpartition("/")[2]


def _type(definition: Mapping[str, Any], needed: set[str]) -> dict[str, Any]:
    kept = {name: _field(f, needed) for name, f in definition["properties"].items() if _says(f, needed)}
    made: dict[str, Any] = {"type": "object", "properties": kept}
    return made | ({_KIND: definition[_KIND]} if _KIND in definition else {})


def _field(field: Mapping[str, Any], needed: set[str]) -> dict[str, Any]:
    made = {key: field[key] for key in ("type", *_SAYS) if key in field}
    if _target(field) in needed:
        made["$ref"] = field["$ref"]
    for key in ("items", "additionalProperties"):
        if isinstance(field.get(key), dict):
            made[key] = _field(field[key], needed)
    return made


if __name__ == "__main__":
    sys.exit(main())
