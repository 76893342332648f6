"""A Helm repository whose index states another digest than the archives have, asked for real, saved and read again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from fluxdoctor.app.diagnose import RuleOptions, diagnose
from fluxdoctor.collect import live
from fluxdoctor.collect.charts import index
from fluxdoctor.collect.store import save, snapshot_folder
from fluxdoctor.model.chart_indexes import ChartIndexes, ChartVersion
from fluxdoctor.model.charts import Charts
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.model.times import moment
from tests.helpers.sources import reach
from tests.servers.helm_repo import HelmServer, answering, helm_server, package

RULE = "helm/chart-digest-mismatch"
REF = Ref("HelmRepository", "apps", "acme")
CHART = package("web", "2.1.0", {"values.yaml": "replicas: 1\n"})
OTHER = package("web", "2.1.0", {"values.yaml": "replicas: 2\n"})
MADE = "2025-12-01T00:00:00.123456789Z"
PULLED = "2025-12-02T00:00:00Z"
READY = [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "done"}]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def short(content: bytes) -> str:
    return f"sha256:{digest(content)[:12]}"


def listing(content: bytes | None, made: str = MADE, prefix: str = "") -> bytes:
    row: dict[str, Any] = {"name": "web", "version": "2.1.0", "urls": ["web-2.1.0.tgz"], "created": made}
    if content is not None:
        row["digest"] = prefix + digest(content)
    return yaml.safe_dump({"apiVersion": "v1", "entries": {"web": [row]}}).encode()


def world(server: HelmServer, holds: bytes | None, **chart: Any) -> Snapshot:
    """A release and its HelmChart, which holds an archive; without one the release was never tried."""
    group, at = "source.toolkit.fluxcd.io/v1", {"namespace": "apps"}
    spec = {"chart": "web", "version": "2.1.0", "sourceRef": {"kind": "HelmRepository", "name": "acme"}}
    objects: list[dict[str, Any]] = [
        {
            "apiVersion": group, "kind": "HelmRepository", "metadata": {"name": "acme", **at},
            "spec": {"url": server.url(), "interval": "10m"},
            "status": {"artifact": {"revision": "sha256:0a"}, "conditions": READY},
        },
        {
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "web", **at},
            "spec": {"interval": "10m", "chart": {"spec": spec}},
            **({"status": {"helmChart": "apps/apps-web", "conditions": READY}} if holds else {}),
        },
    ]  # fmt: skip
    if holds:
        artifact = {"revision": "2.1.0", "digest": f"sha256:{digest(holds)}", "lastUpdateTime": PULLED}
        objects.append({
            "apiVersion": group, "kind": "HelmChart", "metadata": {"name": "apps-web", **at},
            "spec": {**spec, **chart}, "status": {"artifact": artifact, "conditions": READY},
        })  # fmt: skip
    return learned(objects)


def learned(objects: list[dict[str, Any]]) -> Snapshot:
    """What the collector learns of the repository of these objects."""
    files = {
        "snapshot.yaml": b"format: 1\ntaken: '2026-01-01T12:00:00Z'\n",
        "cluster/objects.yaml": yaml.safe_dump_all(objects).encode(),
    }
    seen = snapshot_folder.parse(files, "live")
    source = seen.cluster.get(REF)
    assert source is not None
    return live.ask(seen, [source], reach(), {Charts, ChartIndexes})


def told(snapshot: Snapshot) -> list[str]:
    found = diagnose(snapshot, options=RuleOptions([RULE])).findings
    return [f"{f.severity} {f.confidence} {f.subject}: {f.message}" for f in found]


def replayed(snapshot: Snapshot, at: Path) -> Snapshot:
    save.save(snapshot, at)
    return snapshot_folder.load(at)


def asked(index_: bytes, served: bytes, holds: bytes | None, at: Path, **chart: Any) -> tuple[list[str], list[str]]:
    """Return what is said of a repository, live and after a snapshot alike, and the paths that were asked for."""
    with helm_server({"/index.yaml": index_, "/web-2.1.0.tgz": served}) as server:
        seen = world(server, holds, **chart)
        paths = sorted(server.paths)
    said, again = told(seen), replayed(seen, at / "saved")
    assert told(again) == said
    assert again.charts is not None
    assert seen.charts is not None
    stated = again.charts.listed(REF, "web", "2.1.0")
    assert stated == seen.charts.listed(REF, "web", "2.1.0")
    assert told(replayed(again, at / "again.tgz")) == said
    return said, paths


SAYS = f"HelmRepository/apps/acme: chart web 2.1.0 has digest {short(CHART)} in the index"
BOTH = ["/index.yaml", "/web-2.1.0.tgz"]


def test_the_archive_was_replaced_and_the_index_was_not_made_anew(tmp_path: Path) -> None:
    said = [f"warning proven {SAYS}, but the served archive has {short(OTHER)}"]
    assert asked(listing(CHART), OTHER, OTHER, tmp_path) == (said, BOTH)


def test_a_chart_that_was_never_installed_is_judged_by_what_is_served(tmp_path: Path) -> None:
    said = [f"warning proven {SAYS}, but the served archive has {short(OTHER)}"]
    assert asked(listing(CHART), OTHER, None, tmp_path) == (said, BOTH)


def test_an_archive_of_another_version_than_the_one_asked_for_is_the_same_after_a_snapshot(tmp_path: Path) -> None:
    older = package("web", "1.0.0", {})
    said = [f"warning proven {SAYS}, but the served archive has {short(older)}"]
    assert asked(listing(CHART), older, older, tmp_path) == (said, BOTH)


def test_published_again_under_the_same_version_is_a_note(tmp_path: Path) -> None:
    said = [
        f"info proven {SAYS}, and the served archive matches it; "
        f"HelmChart/apps/apps-web has {short(OTHER)}, pulled before the version was published again"
    ]
    assert asked(listing(CHART), CHART, OTHER, tmp_path) == (said, BOTH)


@pytest.mark.parametrize(
    ("index_", "holds"),
    [(listing(CHART), CHART), (listing(CHART, prefix="SHA256:"), CHART), (listing(None), OTHER)],
    ids=["same", "written otherwise", "none stated"],
)
def test_nothing_is_pulled_and_nothing_said_without_a_difference(index_: bytes, holds: bytes, tmp_path: Path) -> None:
    assert asked(index_, OTHER, holds, tmp_path) == ([], ["/index.yaml"])


def test_a_chart_that_the_controller_packed_anew_is_not_compared(tmp_path: Path) -> None:
    assert asked(listing(CHART), CHART, OTHER, tmp_path, valuesFiles=["values.yaml"]) == ([], ["/index.yaml"])


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (MADE, f"warning proven {SAYS}, but HelmChart/apps/apps-web has {short(OTHER)}"),
        (
            "2025-12-03T00:00:00Z",
            f"info likely {SAYS}, but HelmChart/apps/apps-web has {short(OTHER)}, pulled before the index entry was created",
        ),
        ("", f"info likely {SAYS}, but HelmChart/apps/apps-web has {short(OTHER)}"),
    ],
)
def test_an_archive_that_cannot_be_pulled_is_a_gap_and_what_the_controller_holds_is_compared(
    made: str, said: str, tmp_path: Path
) -> None:
    with helm_server({"/index.yaml": listing(CHART, made)}) as server:
        server.odd["/web-2.1.0.tgz"] = answering(500)
        seen = world(server, OTHER)
    assert [
        (str(gap.scope), Answer.SERVER_ERROR.value.split("-", maxsplit=1)[0] in gap.why.lower()) for gap in seen.gaps
    ] == [("helm/apps/acme/charts/web-2.1.0.tgz", True)]
    assert told(seen) == [said]
    assert told(replayed(seen, tmp_path / "saved")) == [said]


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "HelmRepository", "status": {"conditions": [{**READY[0], "status": "False"}]}},
        {"kind": "HelmRepository", "spec": {"url": "https://charts.example.com", "suspend": True}},
        {"kind": "HelmChart", "metadata": {"name": "apps-web", "namespace": "apps", "generation": 2}},
        {"kind": "HelmRepository", "spec": {"url": "oci://registry.example.com", "type": "oci"}, "status": {}},
    ],
    ids=["the repository fails", "it is suspended", "the chart asks for another since", "it is a registry"],
)
def test_an_index_that_the_chart_was_not_pulled_by_says_nothing_of_it(changed: dict[str, Any]) -> None:
    with helm_server({"/index.yaml": listing(CHART)}) as server:
        seen = world(server, OTHER)
    assert [line.split()[0] for line in told(seen)] == ["warning"]
    bodies = [{**r.body, **changed} if r.kind == changed["kind"] else r.body for r in seen.cluster]
    assert bodies != [r.body for r in seen.cluster]
    files = {**save.files(seen), "cluster/objects.json": json.dumps({"kind": "List", "items": bodies}).encode()}
    assert told(snapshot_folder.parse(files, "changed")) == []


def test_a_repository_with_a_wrong_digest_for_every_chart_is_not_pulled_whole() -> None:
    many = {f"c{i:02d}": [{"version": "1.0.0", "urls": [f"c{i:02d}.tgz"], "digest": digest(CHART)}] for i in range(30)}
    group, at = "source.toolkit.fluxcd.io/v1", {"namespace": "apps"}
    with helm_server({"/index.yaml": yaml.safe_dump({"apiVersion": "v1", "entries": many}).encode()}) as server:
        objects = [
            {
                "apiVersion": group, "kind": "HelmRepository", "metadata": {"name": "acme", **at},
                "spec": {"url": server.url()}, "status": {"conditions": READY},
            },
            *(
                {
                    "apiVersion": group, "kind": "HelmChart", "metadata": {"name": name, **at},
                    "spec": {"chart": name, "sourceRef": {"kind": "HelmRepository", "name": "acme"}},
                    "status": {"artifact": {"revision": "1.0.0", "digest": f"sha256:{digest(OTHER)}"}, "conditions": READY},
                }
                for name in many
            ),
        ]  # fmt: skip
        server.files |= {f"/{name}.tgz": OTHER for name in many}
        seen = learned(objects)
        assert sorted(server.paths) == [*(f"/c{i:02d}.tgz" for i in range(8)), "/index.yaml"]
    says = (
        f"HelmRepository/apps/acme: chart c{{}} 1.0.0 has digest {short(CHART)} in the index, but {{}}; "
        "the same applies to {}"
    )
    served, rest = f"the served archive has {short(OTHER)}", f"HelmChart/apps/c08 has {short(OTHER)}"
    assert told(seen) == [
        f"warning proven {says.format('00', served, _names(1, 6))} and 2 more",
        f"info likely {says.format('08', rest, _names(9, 14))} and 16 more",
    ]


def _names(start: int, end: int) -> str:
    return ", ".join(f"c{i:02d} 1.0.0" for i in range(start, end))


def test_what_an_entry_says_of_its_archive() -> None:
    hexes = digest(CHART)
    rows = (
        hexes,
        f"sha256:{hexes}",
        f" SHA256:{hexes.upper()} ",
        f"sha512:{hexes}",
        hexes[:-1],
        "sha256:12",
        "",
        7,
        None,
    )
    entries = {"web": [{"version": "1.0.0", "digest": row, "created": MADE} for row in rows]}
    found = index.entries({"entries": entries})["web"]
    made = moment("2025-12-01T00:00:00.123456Z")
    assert found == tuple(
        ChartVersion("1.0.0", digest=said, created=made) for said in (hexes, hexes, hexes, "", "", "", "", "", "")
    )
