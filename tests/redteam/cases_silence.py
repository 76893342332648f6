"""Exit code 0 means that everything was looked at: whatever was left out is said, and is exit code 3."""

from __future__ import annotations

from tests.helpers.manifests import APPS, RELEASE
from tests.redteam.kit import Box, BrokenError, case
from tests.redteam.repos import HEALTHY, fleet


def not_silent(box: Box, *arguments: object, cpu: float = 20, wall: float = 90, names: str = "") -> None:
    """Run a check whose fault can only be seen in what is too much: it is found, or it is said that not all was seen."""
    done = box.sound(box.run("check", *arguments, "--no-cache", cpu=cpu, wall=wall))
    if done.code == 0:
        raise BrokenError(
            f"exit code 0, {done.out.splitlines()[0].strip() if done.out else 'nothing said'!r}: what was left out is not said"
        )
    if names and names not in done.text:
        raise BrokenError(f"exit code {done.code}, and {names} is not named")


def padded(text: str, size: int) -> str:
    line = f"# {'y' * 120}\n"
    return text + line * (size // len(line) + 1)


@case("silent-large-manifest", "H4", needs=["kustomize", "git"])
def large_manifest(box: Box) -> None:
    """a manifest of 9 MiB whose HelmRelease has no source"""
    hidden = RELEASE.replace("name: web", "name: hidden").replace("name: none", "name: absent")
    root = fleet(
        box,
        {
            "apps/kustomization.yaml": "resources: [hr.yaml, charts.yaml, big.yaml]\n",
            "apps/big.yaml": padded(hidden, 9 << 20),
        },
        base=HEALTHY,
    )
    not_silent(box, root, names="apps/big.yaml")


@case("silent-large-loose-manifest", "H4", needs=["kustomize", "git"])
def large_loose(box: Box) -> None:
    """the same in a folder without a kustomization file, of a revision"""
    hidden = RELEASE.replace("name: web", "name: hidden").replace("name: none", "name: absent")
    root = fleet(box, {"apps/big.yaml": padded(hidden, 9 << 20)}, base=HEALTHY)
    not_silent(box, root, "--revision", "HEAD", names="apps/big.yaml")


@case("silent-many-objects", "H4", needs=["kustomize", "git"], quick=False, seconds=300)
def many_objects(box: Box) -> None:
    """20,040 ConfigMaps beside a Kustomization whose HelmRelease has no source"""
    row = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{}, namespace: flux-system}}\n"
    files = {}
    for number in range(40):  # many small builds: kustomize takes a time that grows with the square of one
        files[f"many/{number}/all.yaml"] = "".join(row.format(1000 * number + i) for i in range(501))
        files[f"apps/many{number}.yaml"] = APPS.replace("name: apps", f"name: many{number}").replace(
            "./apps", f"./many/{number}"
        )
    files["many/0/last.yaml"] = APPS.replace("name: apps", "name: last").replace("./apps", "./last")
    files["last/hr.yaml"] = RELEASE.replace("name: web", "name: hidden").replace("name: none", "name: absent")
    not_silent(box, fleet(box, files, base=HEALTHY), cpu=120, wall=240)
