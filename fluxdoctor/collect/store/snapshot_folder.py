"""A Snapshot as a folder of files, format 1: load and save."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fluxdoctor.collect.charts import chart_archive, index, verdicts
from fluxdoctor.collect.store import archive, oci_folder, saved_gaps
from fluxdoctor.collect.store.archive import MAX_FILE, MAX_TOTAL, SnapshotError
from fluxdoctor.collect.store.within import is_within
from fluxdoctor.intake import documents, objects
from fluxdoctor.intake.tree import Files, tree_of
from fluxdoctor.model.chart_indexes import ChartIndexes, sha256
from fluxdoctor.model.charts import Archive, Chart, Charts
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.gaps import FileScope, Gap, GapReason
from fluxdoctor.model.oci import OciTags
from fluxdoctor.model.probes import Answer, Probe, Probes
from fluxdoctor.model.resource import Fields, Ref
from fluxdoctor.model.snapshot import Snapshot, Target, Versions
from fluxdoctor.model.times import moment
from fluxdoctor.model.tree import GitTrees

FORMAT = 1
_NO_OBJECTS = "snapshot.yaml says that kinds were listed, and there is no file of them"
_INHERITED = ("git/", "helm/")
_ANSWERS = {answer.value: answer for answer in Answer}


@dataclass(slots=True)
class _Loading:
    """The files of a snapshot, and the gaps found while reading them."""

    files: Files
    gaps: list[Gap] = field(default_factory=list)

    def below(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        yield from ((p, self.files[p]) for p in sorted(self.files) if p.startswith(prefix))

    def yaml(self, path: str) -> Any:
        """YamlFile the first document of a file; a file that is not YAML becomes a gap and None."""
        try:
            return documents.load(self.files[path], path)
        except documents.YamlError as error:
            self.gaps.append(Gap(FileScope(path), GapReason.MALFORMED, f"not YAML, line {error.line}: {error.problem}"))
            return None


def load(path: str | Path, within: Sequence[Path] = ()) -> Snapshot:
    """Load a snapshot: a folder or a .tgz. Raises SnapshotError when it is not one; a file that cannot be read is a gap.

    ``within``: folders that a reader may not leave: what a snapshot extends must be below them too.
    """
    root = Path(path)
    if not root.exists():
        raise SnapshotError(f"{root}: no such folder or file")
    gaps: list[Gap] = []
    if root.is_file():
        return parse(archive.read(root, gaps), root.name.partition(".")[0], gaps)
    return parse(read(root, gaps, within), root.name or root.resolve().name, gaps)


def read(root: Path, gaps: list[Gap], within: Sequence[Path] = ()) -> dict[str, bytes]:
    """Return the files of a snapshot folder, with those of the folder that it extends; what could not be read is a gap."""
    return _inherit(root, _read(root, gaps), gaps, within)


def _read(root: Path, gaps: list[Gap], only: tuple[str, ...] = ("",)) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(only):
            continue
        if path.is_symlink():
            gaps.append(Gap(FileScope(name), GapReason.NOT_COLLECTED, "a symbolic link is not followed"))
        elif path.is_dir():
            continue
        elif not path.is_file():
            gaps.append(Gap(FileScope(name), GapReason.NOT_COLLECTED, "neither a file nor a folder: not read"))
        else:
            try:
                size = path.stat().st_size
                total += size
                if size > MAX_FILE or total > MAX_TOTAL:
                    gaps.append(Gap(FileScope(name), GapReason.TOO_LARGE, f"too large: {size} bytes"))
                else:
                    files[name] = path.read_bytes()
            except OSError as error:
                gaps.append(Gap(FileScope(name), GapReason.UNAVAILABLE, f"could not be read: {error.strerror}"))
    return files


def _inherit(root: Path, files: dict[str, bytes], gaps: list[Gap], within: Sequence[Path]) -> dict[str, bytes]:
    """Take the git and helm files of a sibling folder that this one extends, but for those it has or leaves out."""
    about = _about(files, root.name)
    base = about.text("extends")
    if about.has("extends") and not base:
        raise SnapshotError(f"{root}/snapshot.yaml: extends is {about.get('extends')!r}, not the name of a folder")
    if not base:
        return files
    if base in (".", "..") or "/" in base or "\\" in base:
        raise SnapshotError(f"{root}/snapshot.yaml: extends names a folder beside this one, not a path: {base}")
    folder = root.resolve().parent / base
    if not folder.is_dir():
        raise SnapshotError(f"{root}/snapshot.yaml: it extends {base}, and there is no folder {base} beside it")
    if within and not is_within(folder, within):
        raise SnapshotError(f"{root}/snapshot.yaml: it extends {base}, which is outside of the allowed folders")
    without = tuple(p.rstrip("/") for p in about.strings("without"))
    inherited = _read(folder, gaps, _INHERITED)
    kept = {n: b for n, b in inherited.items() if not any(n == w or n.startswith(w + "/") for w in without)}
    return {**kept, **files}


def _about(files: Files, name: str) -> Fields:
    if "snapshot.yaml" not in files:
        raise SnapshotError(f"{name}: no snapshot.yaml in it, so this is not a snapshot folder")
    try:
        body = documents.load(files["snapshot.yaml"], "snapshot.yaml")
    except documents.YamlError as error:
        raise SnapshotError(f"{name}/{error}") from None
    about = Fields(body)
    version = about.get("format")
    if isinstance(version, bool) or version != FORMAT:
        raise SnapshotError(f"{name}/snapshot.yaml: format is {version!r}; this version reads format {FORMAT}")
    if moment(about.text("taken")) is None:
        raise SnapshotError(f"{name}/snapshot.yaml: taken is {about.get('taken')!r}, not an RFC 3339 time")
    return about


def parse(files: Files, name: str, gaps: list[Gap] | None = None) -> Snapshot:
    """Make a Snapshot of the files of a folder. Raises SnapshotError where snapshot.yaml cannot be read."""
    about = _about(files, name)
    loading = _Loading(files, [] if gaps is None else gaps)
    loading.gaps += [saved_gaps.from_row(row) for row in about.rows("gaps")]
    cluster = _cluster(about, loading)
    git = _git(cluster, loading)
    oci, probes = _oci(cluster, loading), _probes(loading)
    charts, archives = _charts(loading, oci), _archives(cluster, loading)
    return Snapshot(
        taken=moment(about.text("taken")) or datetime.min.replace(tzinfo=UTC),
        cluster=cluster,
        git=git,
        charts=charts,
        archives=archives,
        oci=oci,
        probes=probes,
        versions=Versions(dict(about.items("versions"))),
        gaps=tuple(dict.fromkeys(loading.gaps)),
        name=name,
        target=_target(about, name),
    )


def _target(about: Fields, name: str) -> Target | None:
    try:
        return Target.parse(about.text("target.flux"), about.text("target.kubernetes"))
    except ValueError as error:
        raise SnapshotError(f"{name}/snapshot.yaml: target: {error}") from None


def _cluster(about: Fields, loading: _Loading) -> Cluster:
    raw: list[tuple[Any, str]] = []
    if about.rows("listed") and not any(True for _ in loading.below("cluster/")):
        loading.gaps.append(Gap(FileScope("cluster/"), GapReason.CONFLICTING, _NO_OBJECTS))
    for path, content in loading.below("cluster/"):
        for body, where in _bodies(path, content, loading):
            raw += objects.flatten(body, where)
    whole = not any(gap.is_below("cluster/") for gap in loading.gaps)
    loading.gaps += _twice(raw)
    found = objects.read(raw)
    loading.gaps += found.gaps
    listed: dict[str, frozenset[str] | None] = {}
    for row in about.rows("listed"):
        everywhere = row.get("namespaces") == "all"
        listed[row.text("kind")] = None if everywhere else frozenset(row.strings("namespaces"))
    absent = [Ref(r.text("kind"), r.text("namespace"), r.text("name")) for r in about.rows("absent")]
    # A file that could not be read may have held anything: nothing counts as listed in full any more.
    sight = listed if whole and not found.gaps else {}
    return Cluster(found.resources, listed=sight, absent=absent, gaps=loading.gaps, events=found.events)


def _twice(raw: Iterable[tuple[Any, str]]) -> Iterator[Gap]:
    """Yield a gap for each object that is there twice and differs: which of them is true cannot be known."""
    seen: dict[Ref, tuple[Any, str]] = {}
    for body, where in raw:
        ref = objects.ref_of(body)
        if ref is None or ref.kind == "Event":
            continue
        first, place = seen.setdefault(ref, (body, where))
        if first != body:
            why = f"it is in the snapshot twice and differs ({place}; {where}); the last one was taken"
            yield Gap(ref, GapReason.CONFLICTING, why)


def _bodies(path: str, content: bytes, loading: _Loading) -> Iterator[tuple[Any, str]]:
    if path.endswith(".json"):
        try:
            yield json.loads(content), path
        except (ValueError, RecursionError) as error:
            place = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            loading.gaps.append(
                Gap(FileScope(path), GapReason.MALFORMED, f"not JSON{place}: the file is damaged or cut short")
            )
        return
    parsed = documents.parse(content, path)
    yield from ((d.body, path) for d in parsed.documents)
    if parsed.error:
        loading.gaps.append(
            Gap(FileScope(path), GapReason.MALFORMED, f"not YAML, line {parsed.error.line}: {parsed.error.problem}")
        )


def _groups(loading: _Loading, area: str) -> dict[tuple[str, str], dict[str, bytes]]:
    """Return the files below ``area/<namespace>/<name>/``, by (namespace, name)."""
    found: dict[tuple[str, str], dict[str, bytes]] = {}
    for path, content in loading.below(f"{area}/"):
        parts = path.split("/", 3)
        if len(parts) == 4:  # noqa: PLR2004 - area, namespace, name, the rest
            found.setdefault((parts[1], parts[2]), {})[parts[3]] = content
    return found


def _git(cluster: Cluster, loading: _Loading) -> GitTrees | None:
    trees = {}
    for (namespace, name), files in _groups(loading, "git").items():
        ref = Ref("GitRepository", namespace, name)
        source = cluster.get(ref)
        trees[ref] = tree_of(files, source.text("spec.ignore") if source and source.has("spec.ignore") else None)
    refs = {}
    for path, _ in loading.below("git/"):
        parts = path.split("/")
        if len(parts) == 3 and path.endswith(".refs.yaml"):  # noqa: PLR2004 - git, namespace, file
            ref = Ref("GitRepository", parts[1], parts[2].removesuffix(".refs.yaml"))
            yaml_file = Fields(loading.yaml(path))
            # A commit of digits only that is not quoted is read as a number.
            names = yaml_file.keys()
            refs[ref] = {name: str(yaml_file.get((name,))) for name in names if yaml_file.has((name,))}
    return GitTrees(trees, refs) if trees or refs else None


def _charts(loading: _Loading, oci: OciTags | None) -> ChartIndexes | None:
    """YamlFile the indexes; where all Helm repositories are registries that yaml_file what they offer, there is none to miss."""
    indexes = {}
    for (namespace, name), files in _groups(loading, "helm").items():
        if "index.yaml" in files:
            body = loading.yaml(f"helm/{namespace}/{name}/index.yaml")
            if isinstance(body, dict):
                indexes[Ref("HelmRepository", namespace, name)] = index.entries(body)
    return ChartIndexes(indexes) if indexes or (oci and oci.charts) else None


def _archives(cluster: Cluster, loading: _Loading) -> Charts | None:
    """YamlFile ``helm/<namespace>/<name>/charts/<chart>-<version>.tgz``; what is in an archive says which chart it is.

    ``pulled.yaml`` beside charts/ says which chart was asked for, and the digest of what was served, for it is packed anew.

    And ``oci/<namespace>/<name>/chart.tgz``, which is the chart of the revision that the OCIRepository has. What is named
    so without .tgz is a folder with the files of a chart.
    """
    found: dict[Archive, Chart] = {}
    for (namespace, name), files in _groups(loading, "helm").items():
        where = f"helm/{namespace}/{name}/"
        repository = Ref("HelmRepository", namespace, name)
        about = Fields({"pulled": loading.yaml(f"{where}pulled.yaml") if "pulled.yaml" in files else None})
        for file, chart in _charts_below(files, where, "charts/", loading):
            rows = [row for row in about.rows("pulled") if row.text("file").removesuffix(".tgz") == file]
            for row in rows:
                which = (repository, row.text("chart"), row.text("version"))
                found[which] = replace(chart, digest=sha256(row.text("digest")))
            if not rows:
                found[repository, chart.name, chart.version] = chart
    for (namespace, name), files in _groups(loading, "oci").items():
        source = cluster.get(Ref("OCIRepository", namespace, name))
        own = {path: content for path, content in files.items() if path.partition("/")[0] in ("chart.tgz", "chart")}
        if source is None:
            continue
        for _, chart in _charts_below(own, f"oci/{namespace}/{name}/", "", loading):
            found[source.ref, "", source.text("status.artifact.revision")] = chart
    return Charts(found, verdicts.judge(cluster, found)) if found else None


def _charts_below(files: Files, where: str, below: str, loading: _Loading) -> Iterator[tuple[str, Chart]]:
    """Yield the charts below a folder, each with the name of its file or folder, without .tgz."""
    folders: dict[str, dict[str, bytes]] = {}
    for path in (p for p in files if p.startswith(below)):
        name, _, inside = path.removeprefix(below).partition("/")
        folders.setdefault(name, {})[inside] = files[path]
    for name, held in folders.items():
        if "" in held and not name.endswith(".tgz"):
            continue
        try:
            chart = chart_archive.read(held[""]) if "" in held else chart_archive.unpacked(held)
            yield name.removesuffix(".tgz"), chart
        except chart_archive.ChartError as error:
            loading.gaps.append(Gap(FileScope(f"{where}{below}{name}"), GapReason.MALFORMED, str(error)))


def _oci(cluster: Cluster, loading: _Loading) -> OciTags | None:
    yaml_file: dict[Ref, Fields] = {}
    for path, _ in loading.below("oci/"):
        parts = path.removesuffix(".yaml").split("/")
        if len(parts) == 3:  # noqa: PLR2004 - oci, namespace, name
            ref = Ref("OCIRepository", parts[1], parts[2])
            if cluster.get(ref) is None and cluster.get(Ref("HelmRepository", parts[1], parts[2])):
                ref = Ref("HelmRepository", parts[1], parts[2])
            yaml_file[ref] = Fields(loading.yaml(path))
    return oci_folder.load(yaml_file) if yaml_file else None


def _probes(loading: _Loading) -> Probes | None:
    if "probes.yaml" not in loading.files:
        return None
    tried = {}
    for row in Fields({"probes": loading.yaml("probes.yaml")}).rows("probes"):
        ref = Ref(row.text("kind"), row.text("namespace"), row.text("name"))
        answer = _ANSWERS.get(row.text("answer"), Answer.UNKNOWN)
        tried[ref] = Probe(row.text("target"), answer, row.text("detail"), moment(row.text("at")))
    return Probes(tried)
