"""`diagnose KIND/NAME`: which object is meant, and the way from it to its cause, link by link."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fluxdoctor.cli.main import cli
from fluxdoctor.cli.object_argument import find, focus, parse
from fluxdoctor.model.chain import chains
from fluxdoctor.model.resource import Ref
from tests.helpers.worlds import FLEET, INCIDENTS, kustomization, report_of, snapshot_of, world


def steps(incident: str, kind: str, namespace: str, name: str) -> list[list[tuple[str, str]]]:
    found = chains(Ref(kind, namespace, name), report_of(incident), snapshot_of(incident))
    return [[(str(link.ref), link.why) for link in chain.links] for chain in found]


def test_a_dependent_leads_to_the_first_of_the_chain() -> None:
    assert steps("cascade-chain-top", "Kustomization", "flux-system", "apps") == [
        [
            ("Kustomization/flux-system/apps", "waits for (spec.dependsOn[0])"),
            ("Kustomization/flux-system/infra-configs", "waits for (spec.dependsOn[0])"),
            ("Kustomization/flux-system/infra-controllers", "waits for (spec.dependsOn[0])"),
            ("Kustomization/flux-system/sources", ""),
        ]
    ]


def test_what_is_green_and_stale_leads_to_the_parent_that_fails() -> None:
    assert steps("ks-path-missing", "HelmRelease", "backend", "redis") == [
        [("HelmRelease/backend/redis", "is applied by"), ("Kustomization/flux-system/apps", "")]
    ]


def test_a_health_check_leads_to_the_object_that_it_waits_for() -> None:
    assert steps("ks-health-crashloop", "Kustomization", "flux-system", "apps") == [
        [("Kustomization/flux-system/apps", "waits for readiness of"), ("Deployment/backend/backend", "")]
    ]


def test_a_release_leads_through_its_parent_and_its_chart() -> None:
    assert steps("hr-version-not-found", "Kustomization", "flux-system", "apps") == [
        [("Kustomization/flux-system/apps", "waits for readiness of"), ("HelmRelease/podinfo/podinfo", "")]
    ]


def test_each_link_has_its_proof() -> None:
    (chain,) = chains(
        Ref("Kustomization", "flux-system", "infra-controllers"),
        report_of("cascade-chain-top"),
        snapshot_of("cascade-chain-top"),
    )
    assert [[e.what for e in link.proof] for link in chain.links] == [
        ["DependencyNotReady: \"dependency 'flux-system/sources' is not ready\"", "for 15s"],
        [
            'ArtifactFailed: "kustomization path not found: stat /tmp/kustomization-669860487/source: no such file or directory"',
            "for 18s",
        ],
    ]


def test_an_object_that_is_well_has_no_chain() -> None:
    assert steps("cascade-chain-top", "Kustomization", "flux-system", "webapp") == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("kustomization/apps", ("Kustomization", "", "apps")),
        ("ks/apps", ("Kustomization", "", "apps")),
        ("helmreleases/shop/web", ("HelmRelease", "shop", "web")),
        ("HelmRepository/charts", ("HelmRepository", "", "charts")),
        ("imagepolicies/web", ("ImagePolicy", "", "web")),
        ("deploy/web", ("Deployment", "", "web")),
    ],
)
def test_names_as_people_write_them(text: str, wanted: tuple[str, str, str]) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("apps", "'apps' is not an object; use KIND/NAME, such as kustomization/apps, and -n for the namespace"),
        ("ks/", "'ks/' is not an object; use KIND/NAME, such as kustomization/apps, and -n for the namespace"),
        ("a/b/c/d", "'a/b/c/d' is not an object; use KIND/NAME, such as kustomization/apps, and -n for the namespace"),
        ("kustomisation/apps", "unknown kind 'kustomisation'; did you mean Kustomization?"),
    ],
)
def test_what_names_nothing_says_why(text: str, wrong: str) -> None:
    with pytest.raises(click.UsageError) as error:
        parse(text)
    assert error.value.message == wrong


def test_an_object_is_looked_for_in_all_namespaces_and_must_be_one() -> None:
    other = kustomization("apps").replace("namespace: flux-system", "namespace: team")
    snapshot = world(FLEET + kustomization("apps") + kustomization("infra") + other)
    assert find("ks/infra", snapshot) == Ref("Kustomization", "flux-system", "infra")
    assert find("ks/apps", snapshot, ("team",)) == Ref("Kustomization", "team", "apps")
    with pytest.raises(
        click.UsageError, match="Kustomization/apps exists in several namespaces: flux-system, team; select one with -n"
    ):
        find("ks/apps", snapshot)
    with pytest.raises(
        click.UsageError,
        match=r"Kustomization/infar not found in world; did you mean Kustomization/flux-system/infra\?",
    ):
        find("ks/infar", snapshot)


def test_a_cluster_is_read_for_an_object_that_is_said_in_full() -> None:
    assert focus("ks/apps", ("flux-system",)) == Ref("Kustomization", "flux-system", "apps")
    assert focus("ks/team/apps", ()) == Ref("Kustomization", "team", "apps")
    assert focus("ks/apps", ()) is None


def run(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, [*args])
    return done.exit_code, done.output


def test_the_command_prints_the_chain_and_then_the_cause() -> None:
    code, text = run(
        "diagnose", "ks/infra-controllers", "--from", str(INCIDENTS / "cascade-chain-top"), "--width", "120"
    )
    assert code == 1
    assert text.splitlines()[:9] == [
        "Kustomization/flux-system/infra-controllers",
        "   DependencyNotReady: \"dependency 'flux-system/sources' is not ready\"",
        "   for 15s",
        "└─ waits for (spec.dependsOn[0]): Kustomization/flux-system/sources  kustomize/path-not-found, reported",
        "      spec.path ./source is not in the artifact of GitRepository/flux-system/flux-system",
        '      ArtifactFailed: "kustomization path not found: stat /tmp/kustomization-669860487/source: no such file or',
        '      directory"',
        "      for 18s",
        "",
    ]
    assert " 1  ERROR    kustomize/path-not-found" in text


def test_the_command_says_so_of_what_is_well() -> None:
    assert run("diagnose", "ks/webapp", "--from", str(INCIDENTS / "healthy-baseline")) == (
        0,
        "Kustomization/flux-system/webapp: not affected by any finding\n",
    )


def test_the_command_gives_the_chain_as_data() -> None:
    code, text = run(
        "diagnose", "ks/apps", "-n", "flux-system", "--from", str(INCIDENTS / "cascade-chain-top"), "--format", "json"
    )
    told = json.loads(text)
    assert (code, told["target"]) == (1, {"kind": "Kustomization", "namespace": "flux-system", "name": "apps"})
    assert [[link["name"] for link in chain["links"]] for chain in told["chains"]] == [
        ["apps", "infra-configs", "infra-controllers", "sources"]
    ]
    assert [f["fingerprint"] for f in told["findings"]] == [c["fingerprint"] for c in told["chains"]]


CHAIN = ("diagnose", "ks/infra-controllers", "--from", str(INCIDENTS / "cascade-chain-top"))


def test_markdown_tells_the_chain_first() -> None:
    code, text = run(*CHAIN, "--format", "markdown")
    lines = text.splitlines()
    assert code == 1
    assert lines[4:12] == [
        "**`Kustomization/flux-system/infra-controllers` is affected by**",
        "",
        "1. `Kustomization/flux-system/infra-controllers`",
        "   - `DependencyNotReady: \"dependency 'flux-system/sources' is not ready\"`",
        "   - `for 15s`",
        "2. waits for \\(spec.dependsOn\\[0\\]\\): `Kustomization/flux-system/sources`",
        '   - `ArtifactFailed: "kustomization path not found: stat /tmp/kustomization-669860487/source: no such file or directory"`',
        "   - `for 18s`",
    ]
    assert next(line for line in lines if line.startswith("### ")).startswith("### 1. ERROR [kustomize/path-not-found]")


def test_every_output_of_one_object_tells_its_chain(tmp_path: Path) -> None:
    names = ("text", "json", "markdown", "html")
    code, printed = run(*CHAIN, *(word for n in names for word in ("--output", f"{n}={tmp_path / n}")))
    said = {name: (tmp_path / name).read_text("utf-8") for name in names}
    assert code == 1
    assert said["text"] == printed
    assert [[link["name"] for link in c["links"]] for c in json.loads(said["json"])["chains"]] == [
        ["infra-controllers", "sources"]
    ]
    assert "is affected by" in said["markdown"]
    assert "Findings that affect Kustomization/flux-system/infra-controllers" in said["html"]


def test_every_format_says_of_what_is_well_that_it_is() -> None:
    well = ("diagnose", "ks/webapp", "--from", str(INCIDENTS / "healthy-baseline"), "--format")
    assert "**`Kustomization/flux-system/webapp`: not affected by any finding**" in run(*well, "markdown")[1]
    assert "<p>Kustomization/flux-system/webapp: not affected by any finding</p>" in run(*well, "html")[1]
    assert json.loads(run(*well, "json")[1])["chains"] == []
