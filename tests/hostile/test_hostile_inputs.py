"""What others write in refs, paths and files is data: nothing of it becomes an option, a command, or a file of ours."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect import git as gits
from fluxdoctor.collect.sources import bucket, helm, oci
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.tree import GitTrees
from fluxdoctor.repository.build import kustomize
from tests.helpers import gitworld
from tests.helpers.gitworld import answers, ref
from tests.helpers.sources import reach, secret, source
from tests.helpers.spy import Spy
from tests.helpers.worlds import FLEET, ROOT, kustomization, rules, world
from tests.servers import repositories
from tests.servers.githttp import GitServer, git_server
from tests.servers.helm_repo import HelmServer, helm_server


@pytest.fixture
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of every process here: whatever was executed, or written to by its name, would leave something in it."""
    folder = tmp_path / "marks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "git") as running:
        yield running


OPTIONS = (
    "--upload-pack=touch${IFS}x", "-oProxyCommand=touch x", "--output=x", "--exec=touch x", "-c core.sshCommand=x", "$(touch x)",
    "`touch x`", "; touch x", "| touch x", "a b", "../../x", "refs/../../x", "@{upstream}", "HEAD^{/x}", ":/x", "\n--output=x", "",
)  # fmt: skip


@pytest.mark.parametrize("protocol", [True, False])
def test_refs_that_look_like_options(protocol: bool, server: GitServer, tmp_path: Path, marks: Path) -> None:
    server.protocol = protocol
    repositories.filled(tmp_path / "git" / "web.git", {"a.yaml": "a: 1\n"})
    where, fields = server.url("/web.git"), ("branch", "tag", "name", "semver", "commit")
    sources = [
        gitworld.source(f"{field}-{number}", where, ref={field: text})
        for field in fields
        for number, text in enumerate(OPTIONS)
        if text
    ]
    sources += [gitworld.source(f"at-{n}", where, revision=f"main@sha1:{text}") for n, text in enumerate(OPTIONS)]
    with Spy() as spy:
        found = gits.collect(sources, gitworld.reach())
    assert set(answers(found).values()) == {"ok: 1 branch, 0 tags"}
    assert {r.name for r in found.trees} == {f"at-{n}" for n in range(len(OPTIONS))}  # what leads to no commit is main
    assert [text for text in OPTIONS if len(text) > 4 and text.encode() in spy.everything] == []
    assert list(marks.iterdir()) == []


@pytest.mark.parametrize("protocol", [True, False])
def test_a_remote_with_branches_that_look_like_options(
    protocol: bool, server: GitServer, tmp_path: Path, marks: Path
) -> None:
    server.protocol = protocol
    repository, _ = repositories.filled(tmp_path / "git" / "web.git", {"a.yaml": "a: 1\n"})
    names = ("--upload-pack=touch", "-c", "--output=x", "$(touch)")
    for number, name in enumerate(names):
        repositories.commit(repository, {f"b{number}.yaml": "b: 1\n"}, branch=name)
    sources = [gitworld.source(f"b{n}", server.url("/web.git"), ref={"branch": name}) for n, name in enumerate(names)]
    found = gits.collect(sources, gitworld.reach())
    assert {r.name: tree.paths for r, tree in found.trees.items()} == {
        f"b{n}": (f"b{n}.yaml",) for n in range(len(names))
    }
    assert list(marks.iterdir()) == []


DEEP = "[" * 100_000
ALIASES = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)
HANGS = '{"properties": {"image": {"pattern": "^(a+)+$", "$ref": "http://169.254.169.254/x"}}}'
FILES = {
    "deep/kustomization.yaml": "resources: [x.yaml]\n", "deep/x.yaml": DEEP,
    "aliases/kustomization.yaml": "resources: [x.yaml]\n", "aliases/x.yaml": ALIASES,
    "braces/kustomization.yaml": "resources: [x.yaml]\n", "braces/x.yaml": "{a: " * 100_000,
    "dashes/kustomization.yaml": "resources: [x.yaml]\n", "dashes/x.yaml": "- " * 100_000,
    "out/kustomization.yaml": "resources:\n- ../../../../../etc/passwd\n- /etc/passwd\n- --output=x\n- 'ext::sh -c touch% x'\n"
    "- file:///etc/passwd\npatches: [{path: ../../x.yaml}, {path: --x}]\n"
    "configMapGenerator: [{name: a, files: [/etc/passwd, ../../x, 'k=../../../etc/shadow'], envs: [../x.env]}]\n"
    "helmCharts: [{name: --x, repo: 'file:///etc', version: $(touch x)}]\ngenerators: [|touch x]\n",
    "itself/kustomization.yaml": "resources: [../itself, ., ./]\ncomponents: [../itself]\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: ../../x, repository: 'file://../../..'}]\n",
    "chart/values.schema.json": HANGS, "chart/values.yaml": ALIASES, "chart/templates/x.yaml": "{{ .Values" + ".a" * 50_000 + " }}\n",
    ".sourceignore": "(((((\n[[[[\n**/**/**/**/**/**/**/**/**/**/**/**/x\n!!!!\n", ".gitattributes": "* filter=touch\n",
    ".gitmodules": '[submodule "x"]\n\tpath = --x\n\turl = ext::sh -c touch% x\n',
}  # fmt: skip
PATHS = (
    "deep",
    "aliases",
    "braces",
    "dashes",
    "out",
    "itself",
    "chart",
    "link",
    "../..",
    "--output=x",
    "/etc",
    "$(touch x)",
)


def test_a_hostile_repository_is_read_and_judged(server: GitServer, tmp_path: Path, marks: Path) -> None:
    repository = repositories.empty(tmp_path / "git" / "web.git")
    commit = repositories.commit(
        repository, FILES, links={"link": "/etc", "deep/passwd.yaml": "/etc/passwd"}, modules={"module": "0" * 39 + "1"}
    )
    name = "fleet"
    found = gits.collect(
        [gitworld.source(name, server.url("/web.git"), revision=f"main@sha1:{commit}")], gitworld.reach()
    )
    assert answers(found) == {name: "ok: 1 branch, 0 tags"}
    tree = found.trees[ref(name)]
    assert [path for path in tree.paths if "passwd" in path or path.startswith(("link", "module"))] == []
    objects = FLEET + "".join(
        kustomization(f"k{number}", "BuildFailed", "kustomize build failed", f"path: '{path}'")
        for number, path in enumerate(PATHS)
    )
    release = (
        "---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: flux-system}\n"
        "spec: {interval: 5m, chart: {spec: {chart: ./chart, sourceRef: {kind: GitRepository, name: fleet}}}, values: {a: 1}}\n"
    )
    seen = dataclasses.replace(world(objects + release), git=GitTrees(found.trees, found.refs))
    report = diagnose(seen, rules())
    assert [s.why for s in report.skipped if "the rule raised" in s.why] == []
    told = {r.name for f in report.findings for r in (f.subject, *f.also, *f.blocks)}
    assert {f"k{number}" for number in range(len(PATHS))} <= told
    said = repr(report)
    assert "root:x:0" not in said
    assert list(marks.iterdir()) == []


def test_a_hostile_working_tree_is_checked(tmp_path: Path, marks: Path) -> None:
    root = tmp_path / "repository"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "link").symlink_to("/etc")
    (root / "deep" / "passwd.yaml").symlink_to("/etc/passwd")
    (root / "clusters").mkdir()
    (root / "clusters" / "all.yaml").write_text(
        FLEET + "".join(kustomization(f"k{n}", spec=f"path: '{path}'") for n, path in enumerate(PATHS))
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "fluxdoctor", "check", "--no-cache", "--format", "json", str(root)],
        capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode in (1, 3)
    assert "the rule raised" not in done.stdout
    assert "root:x:0" not in done.stdout
    assert list(marks.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux" or not kustomize.command(), reason="no kustomize, or no limits for it")
def test_kustomize_may_not_take_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What grows in another way than is looked for before: here through the aliases themselves."""
    monkeypatch.setattr(kustomize, "_MAX_MEMORY", 2 << 30)
    stage = kustomize.Stage({"x.yaml": ALIASES.encode()}, kustomize.Command(kustomize.command()))
    try:
        stage.write_missing(["x.yaml"])
        output = stage.build("", {"resources": ["x.yaml"]}, 1)
    finally:
        stage.close()
    assert output == kustomize.Output(stop_reason="it took more than 2 GiB of memory")


URLS = {
    "HelmRepository": ("file:///etc/passwd", "ftp://127.0.0.1/x", "--output=x", "http://-x/", "http://169.254.169.254/", "ext::sh", ""),
    "OCIRepository": ("oci://--x/y", "oci://127.0.0.1:1/../../x", "file:///etc", "oci://169.254.169.254/x", "oci://", "--output=x"),
    "Bucket": ("169.254.169.254", "--output=x", "file:///etc/passwd", "a b", "$(touch x)", "../x"),
}  # fmt: skip


def _asked(kind: str, url: str) -> Answer:
    spec = {"endpoint": url, "bucketName": "../x", "secretRef": {"name": "keys"}} if kind == "Bucket" else {"url": url}
    one = source(kind, "acme", spec)
    means = reach({"keys": secret(accesskey="a", secretkey="b")}, local=False, per_host=2)
    if kind == "HelmRepository":
        return helm.collect([one], {}, means).probes[one.ref].answer
    found = bucket.collect([one], means) if kind == "Bucket" else oci.collect([one], {}, means)
    return found.probes[one.ref].answer


@pytest.mark.parametrize(("kind", "url"), [(kind, url) for kind, urls in URLS.items() for url in urls])
def test_urls_that_lead_nowhere_good(kind: str, url: str, marks: Path) -> None:
    with Spy() as spy:
        answer = _asked(kind, url)
    assert answer in (Answer.NOT_CONTACTED, Answer.DNS, Answer.UNKNOWN)
    assert spy.programs & {"git", "ssh", "sh", "bash", "touch"} == set()  # beside the servers of other tests
    assert list(marks.iterdir()) == []


@pytest.fixture
def charts() -> Iterator[HelmServer]:
    with helm_server() as running:
        yield running


def test_names_and_places_of_charts_that_lead_out(charts: HelmServer, marks: Path) -> None:
    """An index names the places of its charts: no other scheme, and no file, is read."""
    places = (
        "file:///etc/passwd",
        "../../../etc/passwd",
        "--output=x",
        "ext::sh -c touch% x",
        "http://169.254.169.254/x",
        "//x",
    )
    rows = "".join(f"  - {{version: 1.0.{n}, urls: ['{place}']}}\n" for n, place in enumerate(places))
    charts.files["/index.yaml"] = f"apiVersion: v1\nentries:\n  ../../x:\n{rows}".encode()
    repository: Resource = source("HelmRepository", "acme", {"url": charts.url()})
    own = Ref("HelmRepository", "apps", "acme")
    wanted = [(own, "../../x", f"1.0.{n}") for n in range(len(places))]
    found = helm.collect([repository], {own: frozenset({"../../x"})}, reach(), archives=wanted)
    assert found.charts == {}
    assert len(found.gaps) == len(places)
    assert "root:x:0" not in repr(found)
    assert list(marks.iterdir()) == []
