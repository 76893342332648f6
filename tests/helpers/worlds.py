"""The recorded incidents, loaded and diagnosed once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.collect.store.snapshot_folder import load
from fluxdoctor.model.finding import Report
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Catalogue, installed

ROOT = Path(__file__).parents[2]
INCIDENTS = ROOT / "fixtures" / "incidents"
NAMES = sorted(p.parent.name for p in INCIDENTS.glob("*/expected.yaml"))


@cache
def snapshot_of(name: str) -> Snapshot:
    return load(INCIDENTS / name)


@cache
def rules() -> Catalogue:
    return installed()


@cache
def report_of(name: str) -> Report:
    return diagnose(snapshot_of(name), rules())


ABOUT = "format: 1\ntaken: 2026-01-01T12:00:00Z\nlisted:\n"
KINDS = ("GitRepository", "HelmRepository", "OCIRepository", "HelmChart", "Kustomization", "HelmRelease", "Receiver",
         "Provider", "Alert", "Secret", "ConfigMap", "ServiceAccount", "Namespace", "Deployment", "Pod")  # fmt: skip


def world(objects: str, *, listed: tuple[str, ...] = KINDS, files: dict[str, str] | None = None) -> Snapshot:
    """Make a snapshot of objects in YAML and further files."""
    about = ABOUT + "".join(f"- {{kind: {kind}, namespaces: all}}\n" for kind in listed)
    content = {"snapshot.yaml": about, "cluster/objects.yaml": objects}
    content |= files or {}
    return snapshot_folder.parse({path: text.encode() for path, text in content.items()}, "world")


def condition(reason: str, message: str, status: str = "False", since: str = "2026-01-01T11:00:00Z") -> str:
    """Write a Ready condition as YAML flow."""
    quoted = message.replace('"', '\\"')
    return f'{{type: Ready, status: "{status}", reason: {reason}, message: "{quoted}", lastTransitionTime: "{since}"}}'


def kustomization(name: str, reason: str = "", message: str = "", spec: str = "", status: str = "", **more: str) -> str:
    """Write a Kustomization as YAML: Ready, unless a reason says why not."""
    said = condition(reason, message, **more) if reason else condition("ReconciliationSucceeded", "applied", "True")
    source = "sourceRef: {kind: GitRepository, name: fleet}"
    return (
        f"---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        f"metadata: {{name: {name}, namespace: flux-system}}\nspec: {{interval: 10m, {source}, {spec}}}\n"
        f"status: {{conditions: [{said}], {status}}}\n"
    )


FLEET = (
    "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: fleet, namespace: flux-system}\n"
    'spec: {url: "https://git.example.com/fleet.git"}\n'
    f"status: {{conditions: [{condition('Succeeded', 'stored', 'True')}], artifact: {{revision: 'main@sha1:0123456789abcdef'}}}}\n"
)
