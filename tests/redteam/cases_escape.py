"""`check` builds somebody's repository: nothing outside of it may be read, and what lies outside may not change the answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.redteam import mcp_client
from tests.redteam.kit import Box, BrokenError, around, case, files_below, plain_report
from tests.redteam.repos import FLEET, REPLACEMENTS, UP, fleet


def outside(box: Box, canary: str, content: str = "{}\n") -> Path:
    """Write a file that no repository holds."""
    at = box.folder("outside") / "secret.txt"
    at.write_text(content.format(canary) if "{}" in content else content.replace("CANARY", canary))
    return at


def escapes(box: Box, files: Callable[[Path], dict[str, str]], content: str = "{}\n") -> None:
    """Check a repository that names a file outside: its content is not told, nor whether it is there."""
    canary = box.canary("outside")
    secret = outside(box, canary, content)
    root = fleet(box, files(secret))
    present = box.report(box.run("check", root, "--format", "json"))
    box.keeps(present, canary)
    kept(box, canary)
    secret.unlink()
    absent = box.report(box.run("check", root, "--format", "json", "--no-cache"))
    if plain_report(present.out) != plain_report(absent.out):
        raise BrokenError("the report tells whether a file outside of the repository is there")


def kept(box: Box, *canaries: str) -> None:
    """Ask of the cache folder that it holds none of these."""
    for name, content in files_below(box.folder("cache")):
        for canary in canaries:
            if canary.encode() in content:
                raise BrokenError(
                    f"the cache file {name[-24:]} holds {around(content.decode('utf-8', 'replace'), canary)}"
                )


def generator(kind: str, files: str) -> str:
    return (
        f"apiVersion: builtin\nkind: {kind}\nmetadata: {{name: leak, namespace: flux-system}}\n"
        f"files: [{files}]\noptions: {{disableNameSuffixHash: true}}\n"
    )


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def inline_generator(secret: Path) -> dict[str, str]:
    plugin = indented(generator("ConfigMapGenerator", f"p={secret}"))
    return {"apps/kustomization.yaml": f"resources: [hr.yaml]\ngenerators:\n- |-\n{plugin}{REPLACEMENTS}"}


@case("escape-inline-generator", "H1", needs=["kustomize", "git"])
def inline(box: Box) -> None:
    """a file outside through a generator written inside the kustomization file"""
    escapes(box, inline_generator)


@case("escape-generator-file", "H1", needs=["kustomize", "git"])
def generator_file(box: Box) -> None:
    """a file outside through a generator in a file of its own"""
    escapes(box, lambda secret: {
        "apps/kustomization.yaml": f"resources: [hr.yaml]\ngenerators: [gen.yaml]\n{REPLACEMENTS}",
        "apps/gen.yaml": generator("ConfigMapGenerator", f"p={secret}"),
    })  # fmt: skip


@case("escape-letter-case", "H1", needs=["kustomize", "git"])
def letter_case(box: Box) -> None:
    """a file outside through a field whose name is in capitals, which kustomize takes too"""
    escapes(box, lambda secret: {
        "apps/kustomization.yaml": f"resources: [hr.yaml]\nCONFIGMAPGENERATOR:\n- name: leak\n  namespace: flux-system\n  files: [p={secret}]\n"
        f"  options: {{disableNameSuffixHash: true}}\n{REPLACEMENTS}",
    })  # fmt: skip


@case("escape-yaml-escape", "H1", needs=["kustomize", "git"])
def yaml_escape(box: Box) -> None:
    """a file outside through a path that looks like a URL, one slash of it written as an escape, in a base"""
    escapes(box, lambda secret: {
        "apps/kustomization.yaml": f"resources: [hr.yaml, base]\n{REPLACEMENTS}",
        "apps/base/kustomization.yaml": "configMapGenerator:\n- name: leak\n  namespace: flux-system\n"
        f'  files: ["p=x:\\x2f/{UP}{secret}"]\n  options: {{disableNameSuffixHash: true}}\n',
    })  # fmt: skip


@case("escape-patch-path", "H1", needs=["kustomize", "git"])
def patch_path(box: Box) -> None:
    """a patch file outside, its path written like a URL"""
    escapes(
        box, lambda secret: {
            "apps/kustomization.yaml": f'resources: [hr.yaml]\npatches:\n- path: "x://{UP}{secret}"\n  target: {{kind: HelmRelease}}\n',
        }, "- {op: replace, path: /spec/chart/spec/sourceRef/name, value: CANARY}\n",
    )  # fmt: skip


@case("escape-validators", "H1", needs=["kustomize", "git"])
def validators(box: Box) -> None:
    """a file outside as a validator: its words, or whether it is there, in the message of the failure"""
    escapes(
        box, lambda secret: {"apps/kustomization.yaml": f"resources: [hr.yaml]\nvalidators: [{secret}]\n"},
        "apiVersion: example.test/v1\nkind: CANARY\nmetadata: {name: x}\n",
    )  # fmt: skip


@case("escape-resource-scheme", "held", needs=["kustomize", "git"])
def resource_scheme(box: Box) -> None:
    """a resource outside, its path written like a URL"""
    escapes(
        box, lambda secret: {"apps/kustomization.yaml": f'resources: [hr.yaml, "x://{UP}{secret}"]\n'},
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: CANARY, namespace: flux-system}\n"
        "spec: {interval: 1m, chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: CANARY}}}}\n",
    )  # fmt: skip


@case("escape-symlink", "held", needs=["kustomize", "git"])
def symlink(box: Box) -> None:
    """a symbolic link to a file outside, listed as a resource"""
    canary = box.canary("outside")
    secret = outside(box, canary, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: CANARY, namespace: flux-system}\n")
    root = box.folder("repo")
    (root / "apps").mkdir()
    (root / "apps/link.yaml").symlink_to(secret)
    (root / "apps/folder").symlink_to(secret.parent)
    fleet(box, {"apps/kustomization.yaml": "resources: [hr.yaml, link.yaml, folder/secret.txt]\n"})
    box.keeps(box.report(box.run("check", root, "--format", "json")), canary)
    kept(box, canary)


@case("escape-cache", "H1", needs=["kustomize", "git"])
def cache(box: Box) -> None:
    """a file outside: its content is in the cache folder, whatever the report says"""
    canary = box.canary("outside")
    root = fleet(box, inline_generator(outside(box, canary)))
    box.sound(box.run("check", root))
    kept(box, canary)


@case("escape-mcp-root", "H1", needs=["kustomize", "git"])
def mcp_root(box: Box) -> None:
    """a file outside of --root, asked for over MCP (check_repository)"""
    canary = box.canary("outside")
    fleet(box, inline_generator(outside(box, canary)), "root/repo", FLEET)
    client = mcp_client.Client(mcp_client.serve(box, box.path / "root"))
    client.open()
    answer = client.call("check_repository", path="repo")
    if canary in answer:
        raise BrokenError(f"the tool answers {around(answer, canary)}")
    if "chart" not in answer:
        raise BrokenError(f"the tool does not check at all: {answer[:120]}")
