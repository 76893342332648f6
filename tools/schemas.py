"""Makes fluxdoctor/schemas/flux.json.gz: the JSON schemas of Flux's kinds, from the Go API modules of Flux's controllers.

Needs Go. controller-gen turns the types into CRDs, as Flux's own release does; their openAPIV3 schemas become JSON schemas.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from fluxdoctor.repository.facts.structural import plain

OUTPUT = Path(__file__).parent.parent / "fluxdoctor" / "schemas" / "flux.json.gz"
FLUX = "2.9"
CONTROLLER_GEN = "sigs.k8s.io/controller-tools/cmd/controller-gen@v0.20.0"
MODULES = {
    "github.com/fluxcd/source-controller/api": "v1.9.6",
    "github.com/fluxcd/kustomize-controller/api": "v1.9.6",
    "github.com/fluxcd/helm-controller/api": "v1.6.5",
    "github.com/fluxcd/notification-controller/api": "v1.9.4",
    "github.com/fluxcd/image-reflector-controller/api": "v1.2.5",
    "github.com/fluxcd/image-automation-controller/api": "v1.2.5",
    "github.com/fluxcd/source-watcher/api/v2": "v2.2.4",
}


def main() -> int:
    """Write the schemas; the same modules result in the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        imports = "\n".join(f'\t_ "{module}/{version}"' for module, version in _packages())
        (work / "go.mod").write_text("module schemas\n\ngo 1.26\n")
        _go(work, "get", *(f"{m}@{v}" for m, v in MODULES.items()))
        (work / "main.go").write_text(f"package main\n\nimport (\n{imports}\n)\n\nfunc main() {{}}\n")
        _go(work, "mod", "tidy")
        paths = [f"paths={module}/..." for module in MODULES]
        _go(work, "run", CONTROLLER_GEN, "crd", *paths, f"output:crd:dir={work}/crds")
        schemas = {key: schema for crd in sorted(work.glob("crds/*.yaml")) for key, schema in _schemas(crd)}
    OUTPUT.parent.mkdir(exist_ok=True)
    text = json.dumps({"flux": FLUX, "kinds": schemas}, separators=(",", ":"), sort_keys=True)
    OUTPUT.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{OUTPUT}: {len(schemas)} kinds and versions, {OUTPUT.stat().st_size} bytes")
    return 0


def _packages() -> list[tuple[str, str]]:
    newest = {"source-controller": "v1", "kustomize-controller": "v1", "helm-controller": "v2", "notification-controller": "v1",
              "image-reflector-controller": "v1", "image-automation-controller": "v1", "source-watcher": "v1beta1"}  # fmt: skip
    return [(module, newest[module.split("/")[2]]) for module in MODULES]


def _go(work: Path, *arguments: str) -> None:
    subprocess.run(["go", *arguments], cwd=work, check=True)  # noqa: S603, S607 - the developer's own Go


def _schemas(path: Path) -> list[tuple[str, Any]]:
    crd = yaml.safe_load(path.read_text())
    group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
    versions = [v for v in crd["spec"]["versions"] if v.get("served")]
    return [(f"{group}/{v['name']}/{kind}", plain(v["schema"]["openAPIV3Schema"])) for v in versions]


if __name__ == "__main__":
    sys.exit(main())
