"""`fluxdoctor graph`: what is drawn, and in each format."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.cli.main import cli
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.report import graph, graph_code, graph_svg, graph_text
from fluxdoctor.report.graph import Mark, Picture
from tests.helpers.worlds import FLEET, INCIDENTS, kustomization, report_of, rules, snapshot_of, world

WAITS = "dependency 'flux-system/{}' is not ready"
PATH = "kustomization path not found: stat /tmp/k/a: no such file or directory"


def picture(snapshot: Snapshot, **more: Any) -> Picture:
    return graph.draw(snapshot, diagnose(snapshot, rules()), **more)


def chain(size: int) -> Snapshot:
    texts = [kustomization("k0", "ArtifactFailed", PATH)]
    for i in range(1, size):
        texts.append(
            kustomization(f"k{i}", "DependencyNotReady", WAITS.format(f"k{i - 1}"), f"dependsOn: [{{name: k{i - 1}}}]")
        )
    return world(FLEET + "".join(texts))


def test_the_tree_of_a_recorded_cascade() -> None:
    text = graph_text.render(
        graph.draw(snapshot_of("cascade-chain-top"), report_of("cascade-chain-top")), width=100, color=False
    )
    assert text.splitlines() == [
        "Kustomization/flux-system/sources  [cause]",
        "   kustomize/path-not-found: spec.path ./source is not in the artifact of GitRepository/flux-system/flux-system",
        "├─ Kustomization/flux-system/infra-controllers  [blocked]  dependsOn",
        "│  ├─ Kustomization/flux-system/infra-configs  [blocked]  dependsOn",
        "│  │  └─ Kustomization/flux-system/apps  [blocked]  dependsOn",
        "│  │     ├─ HelmRelease/backend/redis  [stale]  applies",
        "│  │     └─ HelmRelease/podinfo/podinfo  [stale]  applies",
        "│  ├─ HelmRelease/cert-manager/cert-manager  [stale]  applies",
        "│  └─ HelmRelease/ingress-nginx/ingress-nginx  [stale]  applies",
        "├─ HelmRepository/flux-system/acme-charts  [stale]  applies",
        "└─ OCIRepository/flux-system/redis-chart  [stale]  applies",
        "   └─ HelmRelease/backend/redis  [stale]  chartRef  (see above)",
        "",
        "HelmChart/flux-system/cert-manager-cert-manager",
        "HelmChart/flux-system/ingress-nginx-ingress-nginx",
        "HelmChart/flux-system/podinfo-podinfo",
        "Alert/flux-system/ops",
        "GitRepository/flux-system/flux-system",
        "└─ Kustomization/flux-system/flux-system  sourceRef",
        "   ├─ GitRepository/flux-system/webapp  applies",
        "   │  └─ Kustomization/flux-system/webapp  sourceRef",
        "   ├─ Provider/flux-system/ops-hook  applies",
        "   └─ Receiver/flux-system/git-push  applies",
    ]


def test_every_flux_object_of_every_incident_is_drawn_once() -> None:
    for name in ("healthy-baseline", "cascade-git-server-down", "ks-health-crashloop"):
        snapshot = snapshot_of(name)
        drawn = graph.draw(snapshot, report_of(name))
        assert sorted(f"{n.kind}/{n.name}" for n in drawn.nodes if n.mark is not Mark.CAUSE) == sorted(
            f"{r.kind}/{r.ref.named}"
            for r in snapshot.cluster.flux
            if r.ref not in {x for f in report_of(name).findings for x in (f.subject, *f.also)}
        )


def test_what_is_alike_becomes_one_when_it_is_large_and_a_cause_never() -> None:
    drawn = picture(chain(100), large=20)
    assert [(n.label, n.mark) for n in drawn.nodes] == [
        ("Kustomization/flux-system/k0", Mark.CAUSE),
        ("99 Kustomization in flux-system", Mark.BLOCKED),
        ("GitRepository/flux-system/fleet", Mark.HEALTHY),
    ]
    assert (
        graph_text.render(drawn, width=100, color=False).splitlines()[2]
        == "└─ 99 Kustomization in flux-system  [blocked]  dependsOn"
    )


def test_what_is_alike_in_many_namespaces_becomes_one_when_it_is_very_large() -> None:
    teams = "".join(
        kustomization(f"{name}{i}")
        .replace("namespace: flux-system", f"namespace: team-{i}", 1)
        .replace("name: fleet}", "name: fleet, namespace: flux-system}")
        for i in range(30)
        for name in ("a", "b")
    )
    broken = kustomization("k0", "ArtifactFailed", PATH)
    assert [(n.label, n.mark) for n in picture(world(FLEET + broken + teams), large=5).nodes] == [
        ("Kustomization/flux-system/k0", Mark.CAUSE),
        ("GitRepository/flux-system/fleet", Mark.HEALTHY),
        ("60 Kustomization in 30 namespaces", Mark.HEALTHY),
    ]
    assert len(picture(world(FLEET + broken + teams), large=10).nodes) == 32


def test_a_chain_deeper_than_the_stack_is_drawn() -> None:
    drawn = picture(chain(1500), large=10_000)
    assert len(graph_text.render(drawn, width=100, color=False).splitlines()) == 1503
    ET.fromstring(graph_svg.render(drawn))  # noqa: S314 - our own


def test_a_circle_ends() -> None:
    drawn = picture(
        world(
            FLEET
            + kustomization("a", "DependencyNotReady", WAITS.format("b"), "dependsOn: [{name: b}]")
            + kustomization("b", "DependencyNotReady", WAITS.format("a"), "dependsOn: [{name: a}]")
        )
    )
    assert graph_text.render(drawn, width=100, color=False).splitlines()[2:4] == [
        "└─ Kustomization/flux-system/b  [blocked]  dependsOn",
        "",
    ]
    ET.fromstring(graph_svg.render(drawn))  # noqa: S314 - our own


def test_mermaid_and_dot_mark_the_cause() -> None:
    drawn = picture(chain(2))
    assert graph_code.mermaid(drawn).splitlines()[:6] == [
        "flowchart LR",
        '  n0["Kustomization/flux-system/k0<br/>kustomize/path-not-found"]:::cause',
        '  n1["Kustomization/flux-system/k1"]:::blocked',
        '  n2["GitRepository/flux-system/fleet"]:::healthy',
        '  n0 -->|"dependsOn"| n1',
        '  n2 -->|"sourceRef"| n0',
    ]
    dot = graph_code.dot(drawn)
    assert '  n0 [label="Kustomization/flux-system/k0\\nkustomize/path-not-found", style="filled,bold"' in dot
    assert '  n0 -> n1 [label="dependsOn"];' in dot


@pytest.mark.skipif(not shutil.which("dot"), reason="graphviz is not installed")
def test_graphviz_reads_the_dot() -> None:
    text = graph_code.dot(picture(chain(3)))
    done = subprocess.run(["dot", "-Tsvg"], input=text, text=True, check=True, capture_output=True, timeout=60)  # noqa: S607
    assert done.stdout.count("<g id=") > 3


def test_the_svg_stands_alone_and_no_box_covers_another() -> None:
    name = "cascade-git-server-down"
    svg = graph_svg.render(graph.draw(snapshot_of(name), report_of(name)))
    root = ET.fromstring(svg)  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    boxes = [(int(r.get("x", "")), int(r.get("y", ""))) for r in root.iter(f"{space}rect")]
    assert len(boxes) == len(set(boxes)) == len(snapshot_of(name).cluster.flux)
    assert not re.search(
        r"<script|<image|@import|url\(|href|https?://(?!www\.w3\.org/2000/svg)", svg.replace("http://git.fleet", "")
    )
    classes = {g.get("class") for g in root.iter(f"{space}g")}
    assert classes == {"cause", "stale", "healthy"}


def test_what_is_needed_stands_to_the_left_though_flux_applies_its_own_source() -> None:
    drawn = graph.draw(snapshot_of("cascade-chain-top"), report_of("cascade-chain-top"))
    root = ET.fromstring(graph_svg.render(drawn))  # noqa: S314 - our own
    left = [int(r.get("x", "")) for r in root.iter("{http://www.w3.org/2000/svg}rect")]
    backwards = [a for a in drawn.arrows if left[a.source] >= left[a.target]]
    assert [(drawn.nodes[a.source].label, a.why, drawn.nodes[a.target].label) for a in backwards] == [
        ("Kustomization/flux-system/flux-system", "applies", "GitRepository/flux-system/flux-system")
    ]


def points(path: str) -> Iterator[tuple[float, float]]:
    """Points along the lines and curves of an SVG path, close to each other."""
    x, y = 0.0, 0.0
    for step, numbers in re.findall(r"([MCQHV])([-\d. ]*)", path):
        n = [float(text) for text in numbers.split()]
        to = {"H": (n[0], y), "V": (x, n[0])}.get(step, (n[-2], n[-1]) if len(n) > 1 else (x, y))
        bend = [(x, y), *zip(n[::2], n[1::2], strict=False)] if step in "CQ" else [(x, y), to]
        for i in range(201 if step != "M" else 0):
            line, part = bend, i / 200
            while len(line) > 1:  # de Casteljau
                line = [(a + (c - a) * part, b + (d - b) * part) for (a, b), (c, d) in pairwise(line)]
            yield line[0]
        x, y = to


@pytest.mark.parametrize("name", ["cascade-git-server-down", "cascade-chain-top", "healthy-baseline"])
def test_no_arrow_runs_behind_a_box(name: str) -> None:
    root = ET.fromstring(graph_svg.render(graph.draw(snapshot_of(name), report_of(name))))  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    size = [float(number) for number in root.get("viewBox", "").split()]
    boxes = [[float(r.get(key, "")) for key in ("x", "y", "width", "height")] for r in root.iter(f"{space}rect")]
    arrows = [path.get("d", "") for path in root.iter(f"{space}path")]
    assert len(arrows) > len(boxes)
    for arrow in arrows:
        for x, y in points(arrow):
            assert 0 < x < size[2]
            assert 0 < y < size[3]
            behind = [b for b in boxes if b[0] < x < b[0] + b[2] and b[1] < y < b[1] + b[3]]
            assert not behind, arrow


def test_a_part_of_a_page_has_links_and_no_style_of_its_own() -> None:
    part = graph_svg.inline(picture(chain(2)), {0: "#finding-x"})
    assert '<a href="#finding-x"><g id="node-0" class="cause">' in part
    assert "<style" not in part


def test_names_and_messages_are_data() -> None:
    evil = PATH.replace("k/a", '"]; click <script>alert(1)</script>')
    drawn = picture(world(FLEET + kustomization("a", "ArtifactFailed", evil)))
    assert "<script" not in graph_svg.render(drawn)
    assert "<script" not in graph_code.mermaid(drawn)
    assert all(line.count('"') % 2 == 0 for line in graph_code.dot(drawn).replace('\\"', "").splitlines())


def test_the_command_writes_a_file(tmp_path: object) -> None:
    target = f"{tmp_path}/fleet.svg"
    done = CliRunner().invoke(
        cli, ["graph", "--from", str(INCIDENTS / "ks-path-missing"), "--format", "svg", "-o", target]
    )
    assert done.exit_code == 0
    ET.parse(target)  # noqa: S314 - our own
    lost = CliRunner().invoke(cli, ["graph", "--from", str(INCIDENTS / "ks-path-missing"), "-o", "/nowhere/x.txt"])
    assert (lost.exit_code, lost.output) == (2, "fluxdoctor: /nowhere/x.txt: No such file or directory\n")
