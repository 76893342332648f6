"""The main job, whole: a real API server, the git server and Helm repository that its objects name, and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e import incident
from tests.e2e.cluster import Cluster
from tests.e2e.hosts import Hosts, fluxdoctor, told
from tests.e2e.incident import INCIDENTS

CANARY = "canary-3d9f2a-never-to-be-seen"


@pytest.mark.parametrize(
    "name",
    [
        "cascade-chain-top",
        "git-branch-missing",
        "hr-version-not-found",
        "ks-component-missing",
        "ks-resource-file-missing",
    ],
)
def test_a_live_cause_is_the_recorded_one_with_its_proof_and_its_place_in_git(
    name: str, cluster: Cluster, hosts: Hosts, tmp_path: Path
) -> None:
    incident.load_objects(cluster, hosts.host(name))
    done = fluxdoctor(cluster, tmp_path, "diagnose", "--allow-local", "--format", "json")
    assert (done.stderr, done.returncode) == ("", 1)
    recorded = json.loads((INCIDENTS / name / "report.json").read_text("utf-8"))["findings"][0]
    first = json.loads(done.stdout)["findings"][0]
    told = ("rule", "severity", "subject", "location", "field", "blocks", "fingerprint")
    assert {key: first[key] for key in told} == {key: recorded[key] for key in told}


def test_the_snapshot_of_a_run_replays_to_its_report_and_holds_no_secret(
    cluster: Cluster, hosts: Hosts, tmp_path: Path
) -> None:
    objects = hosts.host("cascade-chain-top")
    hosts.git.authorization["/webapp"] = "Basic b3RoZXI6b3RoZXI="
    auth = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "webapp-auth", "namespace": "flux-system"}}
    objects.append({**auth, "stringData": {"username": "deploy", "password": CANARY}})
    webapp = next(o for o in objects if o["kind"] == "GitRepository" and o["metadata"]["name"] == "webapp")
    webapp["spec"]["secretRef"] = {"name": "webapp-auth"}
    ready = next(c for c in webapp["status"]["conditions"] if c["type"] == "Ready")
    ready.update(
        status="False", reason="GitOperationFailed",
        message=f"failed to checkout and determine revision: unable to list remote for '{webapp['spec']['url']}': "
        f"authentication required: no user deploy:{CANARY}",
    )  # fmt: skip
    incident.load_objects(cluster, objects)
    live = fluxdoctor(cluster, tmp_path / "cache", "diagnose", "--allow-local", "--format", "json")
    path = tmp_path / "incident.tgz"
    kept = fluxdoctor(cluster, tmp_path / "cache", "snapshot", "-o", str(path), "--allow-local")
    assert (kept.returncode, kept.stdout) == (0, "")
    replay = fluxdoctor(cluster, tmp_path / "cache", "diagnose", "--from", str(path), "--format", "json")
    there, again = json.loads(live.stdout), json.loads(replay.stdout)
    assert told(again) == told(there)
    refused = next(f for f in there["findings"] if f["rule"] == "source/git-authentication-failed")
    assert (refused["subject"]["name"], refused["confidence"]) == ("webapp", "proven")
    said = f"{live.stdout}{live.stderr}{kept.stderr}{replay.stdout}{replay.stderr}"
    held = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and "fluxdoctor-e2e" not in str(p)]
    assert CANARY not in said
    assert not any(CANARY.encode() in content for content in held)


def test_sources_are_not_asked_without_leave_to_contact_this_machine(
    cluster: Cluster, hosts: Hosts, tmp_path: Path
) -> None:
    incident.load_objects(cluster, hosts.host("cascade-chain-top"))
    done = fluxdoctor(cluster, tmp_path, "diagnose", "--format", "json")
    assert json.loads(done.stdout)["findings"][0]["rule"] == "kustomize/path-not-found"
    assert (hosts.git.requests, hosts.helm.requests) == ([], [])


@pytest.mark.parametrize(("probing", "asked"), [("failing", ["/flux-system"]), ("none", [])])
def test_only_the_sources_that_are_wanted_are_asked(
    probing: str, asked: list[str], cluster: Cluster, hosts: Hosts, tmp_path: Path
) -> None:
    incident.load_objects(cluster, hosts.host("cascade-chain-top"))
    fluxdoctor(cluster, tmp_path, "diagnose", "--allow-local", "--probe", probing)
    assert sorted({"/" + target.split("/")[1] for _, target, _ in hosts.git.requests}) == asked
