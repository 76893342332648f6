"""The trees that the git collector reads, the cache behind them, and that nothing is fetched twice."""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxdoctor.collect import git
from fluxdoctor.collect.git import collect, fetch, objects
from fluxdoctor.collect.git.store import FOLDER, Store, size
from fluxdoctor.model.resource import Location
from tests.helpers.gitworld import answers, gaps, reach, ref, source
from tests.servers import repositories
from tests.servers.githttp import GitServer, git_server

KUSTOMIZATION = "resources: [web.yaml]\npatches: [{path: patch.json}]\n"
WEB = "kind: ConfigMap\nmetadata: {name: web}\n"
FILES: dict[str, bytes | str] = {
    "apps/kustomization.yaml": KUSTOMIZATION,
    "apps/web.yaml": WEB,
    "apps/patch.json": "[]",
    "apps/Kustomization": "resources: []\n",
    ".sourceignore": "docs/\n",
    ".gitmodules": '[submodule "x"]\n',
    ".gitattributes": "*.bin filter=lfs\n",
    "docs/page.yaml": "a: b\n",
    "src/data.json": "{}",
    "charts/web/Chart.yaml": "name: web\nversion: 1.0.0\n",
    "charts/web/templates/_helpers.tpl": "{{ .Values.a }}\n",
    "charts/web/text/page.txt": "no template\n",
    "logo.png": b"\x89PNG" + b"\0" * 100_000,
    "secret.yml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2-canary}\n",
    "broken.yaml": "a: [\n",
    "gr\u00fc\u00dfe \u20ac.yaml": "x: 1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "repositories"


@pytest.fixture
def server(root: Path) -> Iterator[GitServer]:
    root.mkdir()
    with git_server(root) as running:
        yield running


def fetches(server: GitServer, path: str) -> int:
    """How often git asked what there is: once for the refs, once for each fetch."""
    return sum("/info/refs" in target for target in server.asked(path))


def test_a_tree_is_read_from_objects(root: Path, server: GitServer, tmp_path: Path) -> None:
    repository = repositories.empty(root / "web.git")
    commit = repositories.commit(
        repository, FILES, links={"apps/link.yaml": "/etc/passwd", "up": "../../.."}, modules={"vendor/x": "1" * 40}
    )
    results = collect(
        [source("web", server.url("/web.git")), source("own", server.url("/web.git"), ignore="/apps\n")],
        reach(cache=tmp_path / "cache"),
    )
    tree = results.trees[ref("web")]
    assert tree.paths == tuple(sorted(FILES))
    assert results.refs[ref("web")] == {"HEAD": commit, "refs/heads/main": commit}
    assert [d.ref.name for d in tree.parsed("apps/web.yaml").documents] == ["web"]
    assert tree.parsed("broken.yaml").flaw is not None
    assert tree.parsed("broken.yaml").flaw.location == Location("broken.yaml", 2, 1)  # type: ignore[union-attr]
    assert tree.excluded == {
        "docs/page.yaml": ".sourceignore:1: docs/",
        ".gitmodules": "default: .gitmodules",
        ".gitattributes": "default: .gitattributes",
    }
    assert results.trees[ref("own")].excluded["apps/web.yaml"] == "spec.ignore: /apps"
    # What rules read is here; of the rest only that it is there.
    assert tree.text("apps/patch.json") == b"[]"
    assert tree.text(".gitmodules") == b'[submodule "x"]\n'
    assert tree.text(".gitattributes") == b"*.bin filter=lfs\n"
    assert tree.text("src/data.json") == b""
    assert tree.text("logo.png") == b""
    assert b"hunter2-canary" not in tree.text("secret.yml")
    assert results.gaps == ()


def test_the_revision_in_use_and_not_the_newest(root: Path, server: GitServer) -> None:
    repository, old = repositories.filled(root / "web.git", {"a.yaml": "a: 1\n"})
    new = repositories.commit(repository, {"b.yaml": "b: 1\n"}, parent=old)
    url = server.url("/web.git")
    results = collect(
        [
            source("old", url, revision=f"main@sha1:{old}"), source("older", url, revision=f"main/{old}"),
            source("new", url), source("pinned", url, ref={"commit": old}), source("nothing", url, ref={"tag": "v1"}),
            source("gone", url, revision=f"main@sha1:{'1' * 40}"),
        ],
        reach(),
    )  # fmt: skip
    paths = {r.name: tree.paths for r, tree in results.trees.items()}
    assert paths == {"old": ("a.yaml",), "older": ("a.yaml",), "new": ("b.yaml",), "pinned": ("a.yaml",)}
    assert set(answers(results).values()) == {"ok: 1 branch, 0 tags"}
    assert gaps(results) == {
        "nothing": "the tree was not fetched: spec.ref matches no commit of the remote",
        "gone": f"the tree of {'1' * 12} was not fetched: the server does not send {'1' * 40}, "
        "and no branch or tag points to it any more",
    }
    assert new == results.refs[ref("new")]["HEAD"]


def test_an_old_server(root: Path, server: GitServer) -> None:
    """It speaks protocol 0: no object by its name, and no filter. Only what a branch leads to can be had."""
    repository, old = repositories.filled(root / "web.git", {"a.yaml": "a: 1\n", "big.bin": b"\0" * 1000})
    new = repositories.commit(repository, {"b.yaml": "b: 1\n", "big.bin": b"\0" * 1000}, parent=old)
    repositories.git(repository, "config", "uploadpack.allowFilter", "false")
    server.protocol = False
    url = server.url("/web.git")
    sources = [source("old", url, revision=f"main@sha1:{old}"), source("new", url, revision=f"main@sha1:{new}")]
    results = collect(sources, reach())
    assert {r.name: tree.paths for r, tree in results.trees.items()} == {"new": ("b.yaml", "big.bin")}
    assert results.trees[ref("new")].text("b.yaml") == b"b: 1\n"
    assert gaps(results) == {
        "old": f"the tree of {old[:12]} was not fetched: the server does not send {old}, "
        "and no branch or tag points to it any more"
    }


def test_a_server_that_filters_but_gives_no_object_by_its_name(root: Path, server: GitServer) -> None:
    repositories.filled(root / "web.git", {"a.yaml": "a: 1\n"})
    server.protocol = False
    results = collect([source("web", server.url("/web.git"))], reach())
    assert results.trees[ref("web")].text("a.yaml") == b"a: 1\n"


def test_a_tree_with_names_that_lead_out(root: Path, server: GitServer) -> None:
    repository = repositories.empty(root / "web.git")
    blob = repositories.git(repository, "hash-object", "-w", "--stdin", stdin=b"a: 1\n")
    inner = repositories.git(repository, "mktree", stdin=f"100644 blob {blob}\tx.yaml\n".encode())
    rows = b"".join(
        mode + name + b"\0" + bytes.fromhex(oid)
        for mode, name, oid in (
            (b"40000 ", b"..", inner), (b"40000 ", b".git", inner), (b"100644 ", b"\xff.yaml", blob), (b"100644 ", b"ok.yaml", blob),
        )
    )  # fmt: skip
    tree = repositories.git(repository, "hash-object", "-w", "--literally", "-t", "tree", "--stdin", stdin=rows)
    commit = repositories.git(repository, "commit-tree", tree, "-m", "x")
    repositories.git(repository, "update-ref", "refs/heads/main", commit)
    results = collect([source("web", server.url("/web.git"))], reach())
    assert results.trees[ref("web")].paths == ("\\xff.yaml", "ok.yaml")


def test_too_much_for_one_tree(root: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    repositories.filled(root / "web.git", {"a.yaml": "a: 1\n", "b/big.yaml": "b: 1234567890\n", "c.txt": "c" * 99})
    monkeypatch.setattr(objects, "MOST_BYTES", 15)
    results = collect([source("web", server.url("/web.git"))], reach())
    assert answers(results) == {"web": "ok: 1 branch, 0 tags"}
    why = "its YAML is 19 bytes, above the limit of 15; b/big.yaml alone is 14"
    assert {k: v.partition("fetched: ")[2] for k, v in gaps(results).items()} == {"web": why}
    monkeypatch.setattr(objects, "MOST_FILES", 1)
    results = collect([source("web", server.url("/web.git"))], reach())
    why = "it has 2 files to read, above the limit of 1"
    assert {k: v.partition("fetched: ")[2] for k, v in gaps(results).items()} == {"web": why}


def test_a_pack_that_is_too_large(root: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = {f"{i}.yaml": random.Random(i).randbytes(200_000).hex() for i in range(2)}
    repositories.filled(root / "web.git", noise)
    monkeypatch.setattr(fetch, "_MOST_ON_DISK", 100_000)
    results = collect([source("web", server.url("/web.git"))], reach())
    assert {k: v.partition("fetched: ")[2] for k, v in gaps(results).items()} == {
        "web": "it is larger than 100000 bytes"
    }


def test_many_objects_of_one_repository_ask_once(root: Path, server: GitServer) -> None:
    for name in ("one", "two"):
        repositories.filled(root / f"{name}.git", {f"{name}.yaml": "a: 1\n"})
    sources = [
        source(f"{n}-{i}", server.url(f"/{n}.git"), ignore=f"/{i % 2}") for n in ("one", "two") for i in range(30)
    ]
    results = collect(sources, reach())
    assert {r.name: t.paths for r, t in results.trees.items()} == {s.name: (f"{s.name[:3]}.yaml",) for s in sources}
    assert len(results.probes) == 60
    # The refs, the trees, the blobs.
    assert (fetches(server, "/one"), fetches(server, "/two")) == (3, 3)
    assert results.trees[ref("one-0")] is results.trees[ref("one-2")]
    assert results.trees[ref("one-0")] is not results.trees[ref("one-1")]


def test_refs_alone(root: Path, server: GitServer, tmp_path: Path) -> None:
    _, commit = repositories.filled(root / "web.git", FILES)
    results = collect([source("web", server.url("/web.git"))], reach(cache=tmp_path / "cache"), trees=False)
    assert (dict(results.trees), results.gaps, fetches(server, "/web")) == ({}, (), 1)
    assert results.refs[ref("web")] == {"HEAD": commit, "refs/heads/main": commit}


def test_an_unchanged_remote_is_not_fetched(root: Path, server: GitServer, tmp_path: Path) -> None:
    repository, commit = repositories.filled(root / "web.git", FILES)
    sources, cache = [source("web", server.url("/web.git"))], tmp_path / "cache"
    first = collect(sources, reach(cache=cache))
    assert fetches(server, "/web") == 3
    server.requests.clear()
    again = collect(sources, reach(cache=cache))
    assert fetches(server, "/web") == 1
    assert _content(again) == _content(first)
    repositories.commit(repository, {"new.yaml": "n: 1\n"}, parent=commit)
    assert collect(sources, reach(cache=cache)).trees[ref("web")].paths == ("new.yaml",)


def _content(results: git.GitResults) -> dict[str, bytes]:
    tree = results.trees[ref("web")]
    return {path: tree.text(path) for path in tree.paths}


def test_the_cache_holds_no_url_and_no_login(root: Path, server: GitServer, tmp_path: Path) -> None:
    repositories.filled(root / "web.git", {"a.yaml": "a: 1\n"})
    url = server.url("/web.git").replace("http://", "http://canary-user:canary-password@")
    collect([source("web", url)], reach(cache=tmp_path / "cache"))
    files = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert {p.name for p in files if p.suffix not in (".pack", ".idx", ".promisor", ".rev")} == {
        "HEAD",
        "config",
        "shallow",
    }
    content = b"".join(p.read_bytes() for p in files) + "".join(map(str, files)).encode()
    assert [word for word in (b"canary", b"127.0.0.1", b"web.git") if word in content] == []
    assert all(p.stat().st_mode & 0o077 == 0 for p in (tmp_path / "cache" / FOLDER).iterdir())


def test_a_damaged_or_cleared_cache_is_fetched_anew(root: Path, server: GitServer, tmp_path: Path) -> None:
    repositories.filled(root / "web.git", FILES)
    sources, cache = [source("web", server.url("/web.git"))], tmp_path / "cache"
    content = _content(collect(sources, reach(cache=cache)))
    for pack in cache.rglob("*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"PACK")
    assert _content(collect(sources, reach(cache=cache))) == content
    shutil.rmtree(cache)
    assert _content(collect(sources, reach(cache=cache))) == content
    cache_that_is_a_file = tmp_path / "file"
    cache_that_is_a_file.touch()
    assert _content(collect(sources, reach(cache=cache_that_is_a_file))) == content


def test_a_cache_cleared_while_a_run_fetches(
    root: Path, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repositories.filled(root / "web.git", FILES)
    sources, cache = [source("web", server.url("/web.git"))], tmp_path / "cache"
    install = Store.install

    def install_and_lose(self: Store, repository: Path, *more: object) -> Path:
        place = install(self, repository, *more)  # type: ignore[arg-type]
        shutil.rmtree(place)
        monkeypatch.undo()
        return place

    monkeypatch.setattr(Store, "install", install_and_lose)
    assert len(_content(collect(sources, reach(cache=cache)))) == len(FILES)


def test_a_cache_cleared_before_its_first_object_comes(
    root: Path, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repositories.filled(root / "web.git", FILES)
    sources, cache = [source("web", server.url("/web.git"))], tmp_path / "cache"
    new = Store.new

    def new_and_lose(self: Store) -> Path | None:
        repository = new(self)
        shutil.rmtree(cache)
        return repository

    alone = collect(sources, reach())
    monkeypatch.setattr(Store, "new", new_and_lose)
    lost = collect(sources, reach(cache=cache))
    assert (_content(lost), lost.gaps, lost.probes) == (_content(alone), (), alone.probes)
    assert len(_content(lost)) == len(FILES)


def test_a_cache_that_goes_away_all_the_time_is_none(root: Path, server: GitServer, tmp_path: Path) -> None:
    repositories.filled(root / "web.git", FILES)
    sources, cache = [source("web", server.url("/web.git"))], tmp_path / "cache"
    over = threading.Event()

    def lose() -> None:
        while not over.wait(0.003):
            shutil.rmtree(cache, ignore_errors=True)

    losing = threading.Thread(target=lose)
    losing.start()
    try:
        results = [collect(sources, reach(cache=cache)) for _ in range(4)]
    finally:
        over.set()
        losing.join()
    assert [(_content(one), one.gaps) for one in results] == [(_content(collect(sources, reach())), ())] * 4


def test_two_runs_at_once_share_a_cache(root: Path, server: GitServer, tmp_path: Path) -> None:
    repositories.filled(root / "web.git", FILES)
    sources, cache = [source("web", server.url("/web.git"))], tmp_path / "cache"
    results: list[dict[str, bytes]] = []
    threads = [
        threading.Thread(target=lambda: results.append(_content(collect(sources, reach(cache=cache)))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [results[0]] * 4
    places = [p for p in (cache / FOLDER).rglob("objects") if p.is_dir()]
    assert len(places) == 1
    assert [p.name for p in (cache / FOLDER).iterdir() if p.name.startswith("tmp-")] == []


def test_the_cache_is_bounded(tmp_path: Path) -> None:
    root = tmp_path / FOLDER
    for age, name in enumerate(("newest", "middle", "oldest")):
        place = root / f"remote-{name}" / name
        (place / "objects").mkdir(parents=True)
        (place / "objects" / "pack").write_bytes(b"\0" * 1000)
        os.utime(place, (1_000_000 - age, 1_000_000 - age))
    (root / "tmp-crashed").mkdir()
    os.utime(root / "tmp-crashed", (0, 0))
    (root / "tmp-running").mkdir()
    Store(tmp_path, tmp_path / "scratch").prune(2500)
    assert {p.name for p in root.iterdir()} == {"remote-newest", "remote-middle", "tmp-running"}
    assert size(root) == 2000
