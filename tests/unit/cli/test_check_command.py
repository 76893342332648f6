"""The command `fluxdoctor check` on git repositories made here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from fluxdoctor.repository.build import kustomize
from fluxdoctor.repository.files import repository
from tests.helpers.fleet import APPS, SYNC, WEB, finding_rows, git, needs_kustomize, run_check, write


@needs_kustomize
def test_a_healthy_repository(fleet: Path) -> None:
    result = run_check(str(fleet), "--format", "json")
    assert (result.exit_code, finding_rows(result), json.loads(result.output)["mode"]) == (0, [], "check")


@needs_kustomize
def test_a_wrong_path_points_to_its_line(fleet: Path) -> None:
    write(fleet, {"clusters/prod/apps.yaml": APPS.replace("PATH", "aps")})
    result = run_check(str(fleet), "--format", "json")
    assert result.exit_code == 1
    assert finding_rows(result) == [
        ("error", "kustomize/path-not-found", "clusters/prod/apps.yaml:6", ["clusters/prod"])
    ]


def test_without_kustomize_what_needs_no_rendering_is_checked(
    fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PATH holds git alone: it is said how to get kustomize, and paths, entries, references and schemas are judged."""
    program = shutil.which("git")
    assert program
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    healthy = run_check(str(fleet))
    assert healthy.exit_code == 3
    assert "neither kustomize nor kubectl is on PATH, so nothing was rendered: install kustomize" in " ".join(
        healthy.output.split()
    )
    write(fleet, {
        "clusters/prod/wrong.yaml": APPS.replace("PATH", "aps").replace("name: apps", "name: wrong"),
        "apps/kustomization.yaml": "resources: [web.yml]\n",
        "clusters/prod/waits.yaml": APPS.replace("PATH", "more").replace("name: apps", "name: waits")
        + "  dependsOn: [{name: nowhere}]\n",
        "more/kustomization.yaml": "resources: [apps.yaml]\npatches: [{path: patch.yaml}]\n",
        "more/apps.yaml": APPS.replace("PATH", "changed-by-a-patch").replace("name: apps", "name: patched"),
        "more/patch.yaml": APPS.replace("PATH", "apps").replace("name: apps", "name: patched"),
    })  # fmt: skip
    result = run_check(str(fleet), "--format", "json")
    assert (result.exit_code, sorted(finding_rows(result))) == (1, [
        ("error", "kustomize/dependency-missing", "clusters/prod/waits.yaml:9", ["clusters/prod"]),
        ("error", "kustomize/path-not-found", "clusters/prod/wrong.yaml:6", ["clusters/prod"]),
        ("error", "kustomize/resource-missing", "apps/kustomization.yaml:1", ["clusters/prod"]),
        ("info", "kustomize/file-not-listed", "apps/web.yaml:1", ["clusters/prod"]),
        ("info", "kustomize/path-not-found", "more/apps.yaml:6", ["clusters/prod"]),
    ])  # fmt: skip


@needs_kustomize
def test_the_page_of_one_cluster_draws_its_graph(fleet: Path, tmp_path: Path) -> None:
    write(fleet, {"clusters/prod/apps.yaml": APPS.replace("PATH", "aps")})
    drawings = []
    for extra in ([], ["clusters/test/flux-system/gotk-sync.yaml"]):
        write(fleet, dict.fromkeys(extra, SYNC.replace("clusters/prod", "clusters/test")))
        run_check(str(fleet), "--output", f"html={tmp_path / 'report.html'}")
        page = (tmp_path / "report.html").read_text("utf-8")
        drawings.append(re.findall(r"<title>(Kustomization/flux-system/[\w-]+)", page))
    assert drawings == [["Kustomization/flux-system/apps", "Kustomization/flux-system/flux-system"], []]


@needs_kustomize
def test_only_what_a_change_made_worse(fleet: Path) -> None:
    write(fleet, {"clusters/prod/old.yaml": APPS.replace("PATH", "gone").replace("name: apps", "name: old")})
    git(fleet, "add", "-A")
    git(fleet, "commit", "-qm", "an old fault")
    assert run_check(str(fleet), "--changed-since", "HEAD").exit_code == 0
    write(fleet, {"clusters/prod/apps.yaml": APPS.replace("PATH", "aps")})
    result = run_check(str(fleet), "--changed-since", "HEAD", "--format", "json")
    assert finding_rows(result) == [
        ("error", "kustomize/path-not-found", "clusters/prod/apps.yaml:6", ["clusters/prod"])
    ]
    assert len(finding_rows(run_check(str(fleet), "--format", "json"))) == 2


OBJECTS = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: db}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: kept, namespace: db, annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: plain, namespace: db}
"""


@pytest.fixture
def stateful(fleet: Path) -> Path:
    write(fleet, {"apps/objects.yaml": OBJECTS, "apps/shop.yaml": WEB.replace("namespace: web", "namespace: shop")})
    git(fleet, "add", "-A")
    git(fleet, "commit", "-qm", "something to lose")
    return fleet


def told(folder: Path) -> list[str]:
    """What a change against the last commit makes worse, as lines."""
    body = json.loads(run_check(str(folder), "--changed-since", "HEAD", "--format", "json").output)
    return [f"{f['severity']} {f['rule']} {f['subject']['name']}: {f['message']} ({f['location'] and f['location']['file']})"
            for f in body["findings"]]  # fmt: skip


@needs_kustomize
def test_a_change_that_deletes_more_than_it_removes(stateful: Path) -> None:
    (stateful / "apps" / "objects.yaml").unlink()
    owner = "because Kustomization/flux-system/apps no longer declares it"
    assert told(stateful) == [
        f"warning kustomize/prune-deletes-data shop: will be deleted, {owner}: everything in it is deleted too, "
        "including ConfigMap/shop/web (still declared) (clusters/prod/apps.yaml)",
        f"warning kustomize/prune-deletes-data data: will be deleted, {owner}: its data may be deleted too (reclaim policy) "
        "(clusters/prod/apps.yaml)",
    ]


@needs_kustomize
def test_a_kustomization_that_goes_takes_what_it_applied(stateful: Path) -> None:
    (stateful / "clusters" / "prod" / "apps.yaml").unlink()
    owner = "because Kustomization/flux-system/apps is no longer declared"
    assert told(stateful) == [
        f"warning kustomize/prune-deletes-data shop: will be deleted, {owner}: everything in it is deleted too "
        "(clusters/prod/flux-system/gotk-sync.yaml)",
        f"warning kustomize/prune-deletes-data data: will be deleted, {owner}: its data may be deleted too (reclaim policy) "
        "(clusters/prod/flux-system/gotk-sync.yaml)",
    ]


@needs_kustomize
def test_a_kustomization_that_gets_another_name(stateful: Path) -> None:
    write(
        stateful, {"clusters/prod/apps.yaml": APPS.replace("PATH", "apps").replace("name: apps", "name: applications")}
    )
    assert told(stateful) == [
        "warning kustomize/moves-between apps: is replaced in git by Kustomization/flux-system/applications, with the same path: "
        "deleting it prunes its 5 objects, and Kustomization/flux-system/applications recreates them (clusters/prod/apps.yaml)"
    ]


@needs_kustomize
def test_objects_that_move_to_another_kustomization(stateful: Path) -> None:
    other = APPS.replace("PATH", "other").replace("name: apps", "name: other")
    write(stateful, {"clusters/prod/other.yaml": other, "other/objects.yaml": OBJECTS})
    (stateful / "apps" / "objects.yaml").unlink()
    assert told(stateful) == [
        "warning kustomize/moves-between apps: no longer declares Namespace/shop, PersistentVolumeClaim/db/data, ConfigMap/db/plain, "
        "now declared by Kustomization/flux-system/other: if it is reconciled first, it deletes these objects, and the new owner recreates them (other/objects.yaml)"
    ]


@needs_kustomize
@pytest.mark.parametrize(
    "apps",
    [
        APPS.replace("PATH", "apps").replace("prune: true", "prune: false"),
        APPS.replace("PATH", "apps") + "  suspend: true\n",
        APPS.replace("PATH", "apps")
        + "  patches: [{patch: '[{op: replace, path: /spec/none, value: 1}]', target: {kind: ConfigMap}}]\n",
    ],
)
def test_what_does_not_prune_deletes_nothing(stateful: Path, apps: str) -> None:
    (stateful / "apps" / "objects.yaml").unlink()
    write(stateful, {"clusters/prod/apps.yaml": apps})
    assert [line for line in told(stateful) if "prune" in line] == []


@needs_kustomize
def test_one_cluster_of_two(fleet: Path) -> None:
    staging = SYNC.replace("clusters/prod", "clusters/staging")
    wrong = APPS.replace("PATH", "aps")
    write(fleet, {"clusters/staging/flux-system/gotk-sync.yaml": staging, "clusters/staging/apps.yaml": wrong})
    assert run_check(str(fleet), "--cluster", "clusters/prod").exit_code == 0
    assert run_check(str(fleet), "--cluster", "./clusters/staging/").exit_code == 1
    assert run_check(str(fleet / "clusters" / "staging")).exit_code == 1
    unknown = run_check(str(fleet), "--cluster", "clusters/none")
    assert unknown.exit_code == 2
    assert "clusters of fleet: clusters/prod, clusters/staging" in unknown.output


@needs_kustomize
def test_what_git_ignores_is_not_there(fleet: Path) -> None:
    write(fleet, {
        ".gitignore": "secrets.env\n", "apps/secrets.env": "a=b\n",
        "apps/kustomization.yaml": "resources: [web.yaml]\nsecretGenerator:\n- {name: s, namespace: web, envs: [secrets.env]}\n",
    })  # fmt: skip
    result = run_check(str(fleet), "--format", "json")
    assert [f[:2] for f in finding_rows(result)] == [("error", "kustomize/resource-missing")]


@needs_kustomize
def test_a_link_out_of_the_tree_is_not_followed(fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(WEB.replace("name: web,", "name: hostname,"))
    (fleet / "apps" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    write(fleet, {"apps/kustomization.yaml": "resources: [web.yaml, link.yaml]\n"})
    result = run_check(str(fleet), "--format", "json")
    assert finding_rows(result) == [
        ("error", "kustomize/resource-missing", "apps/kustomization.yaml:1", ["clusters/prod"])
    ]


@needs_kustomize
def test_the_second_run_builds_nothing(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run_check(str(fleet), "--format", "json")

    def refuse(*_: object) -> kustomize.Output:
        raise AssertionError("a build that is known")

    monkeypatch.setattr(kustomize.Stage, "build", refuse)
    second = run_check(str(fleet), "--format", "json")
    assert (second.exit_code, finding_rows(second)) == (first.exit_code, finding_rows(first))


def test_usage_errors(tmp_path: Path, fleet: Path) -> None:
    nothing = run_check(str(tmp_path / "none"))
    assert (nothing.exit_code, "no such folder" in nothing.output) == (2, True)
    (tmp_path / "empty").mkdir()
    empty = run_check(str(tmp_path / "empty"))
    assert (empty.exit_code, "empty contains no YAML files" in empty.output) == (2, True)
    unknown = run_check(str(fleet), "--changed-since", "no-such-branch")
    assert (unknown.exit_code, "git knows no revision 'no-such-branch'" in unknown.output) == (2, True)
    option = run_check(str(fleet), "--changed-since=--output=/tmp/x")
    assert (option.exit_code, "is not a revision" in option.output) == (2, True)


def test_a_folder_that_no_cluster_applies(tmp_path: Path) -> None:
    write(tmp_path, {"readme.yaml": "a: b\n"})
    result = run_check(str(tmp_path), "--no-cache", "--format", "json")
    assert (result.exit_code, json.loads(result.output)["verdict"]) == (3, "incomplete")
    assert "no cluster begins here" in json.loads(result.output)["skipped"][0]["why"]


@needs_kustomize
def test_a_secret_that_the_repository_cannot_tell_is_no_gap(fleet: Path) -> None:
    provider = (
        "apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Provider\n"
        "metadata: {name: ops, namespace: flux-system}\nspec: {type: slack, channel: ops, secretRef: {name: ops-url}}\n"
    )
    write(fleet, {"clusters/prod/provider.yaml": provider})
    result = run_check(str(fleet), "--format", "json")
    body = json.loads(result.output)
    assert (result.exit_code, body["verdict"], finding_rows(result)) == (0, "healthy", [])
    assert [(s["rule"], s["asked"]) for s in body["skipped"] if s["subject"]] == [("notify/secret-missing", False)]


@needs_kustomize
@pytest.mark.parametrize(
    "text",
    [
        "resources: [../../outside.yaml]\n",
        "resources: [web.yaml]\nconfigMapGenerator:\n- {name: c, namespace: web, files: [k=/etc/hostname]}\n",
        "resources: [web.yaml]\nconfigMapGenerator:\n- {name: c, namespace: web, envs: [../../outside.env]}\n",
        "resources: [web.yaml]\npatches:\n- {path: ../../outside.yaml}\n",
    ],
)
def test_nothing_outside_of_the_repository_is_read(fleet: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "outside.yaml").write_text(WEB.replace("name: web,", "name: secret-of-the-host,"))
    (tmp_path / "outside.env").write_text("a=secret-of-the-host\n")
    write(fleet, {"apps/kustomization.yaml": text})
    result = run_check(str(fleet), "--format", "json")
    assert (result.exit_code, "secret-of-the-host" in result.output, len(finding_rows(result)) > 0) == (1, False, True)


def test_a_partial_clone(tmp_path: Path) -> None:
    """What is not there and is no manifest is only known to be there; a manifest that is not there is said to be missing."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    for path, content in {
        "app/cm.yaml": "kind: ConfigMap\n",
        "tool.exe": "x" * 9_000_000,
        "logo.bin": "y" * 90,
        ".gitattributes": "app export-ignore\n",
    }.items():
        (origin / path).parent.mkdir(parents=True, exist_ok=True)
        (origin / path).write_text(content)
    run = partial(subprocess.run, check=True, capture_output=True)
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        run(["git", "-C", str(origin), *words])
    run(["git", "-C", str(origin), "config", "uploadpack.allowFilter", "true"])
    whole = repository.of_revision(origin, "HEAD").files
    assert {p: len(c) for p, c in whole.items()} == {
        ".gitattributes": 18,
        "app/cm.yaml": 16,
        "logo.bin": 90,
        "tool.exe": 0,
    }
    run(["git", "clone", "-q", "--no-checkout", "--filter=blob:limit=50", f"file://{origin}", str(clone)])
    assert {p: len(c) for p, c in repository.of_revision(clone, "HEAD").files.items()} == {
        ".gitattributes": 18, "app/cm.yaml": 16, "logo.bin": 0, "tool.exe": 0,
    }  # fmt: skip
    bare = tmp_path / "bare"
    run(["git", "clone", "-q", "--bare", "--filter=blob:none", f"file://{origin}", str(bare)])
    with pytest.raises(
        repository.RepositoryError, match=r"git has no content of app/cm.yaml in \w{10}; run: git fetch"
    ):
        repository.of_revision(bare, "HEAD")
