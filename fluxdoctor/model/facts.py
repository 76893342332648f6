"""What else a Snapshot holds than the cluster: files, trees, chart indexes and answers, and the questions rules ask of them."""

from __future__ import annotations

import difflib
import posixpath
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache

from fluxdoctor.model.once import Once
from fluxdoctor.model.resource import Location, Ref, Resource

_MOST_NEAR = 3
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SyntaxFlaw:
    """Why a file is not YAML: the parser's words, never the file's content."""

    location: Location
    problem: str


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The documents of a file, up to the first one that cannot be read."""

    documents: tuple[Resource, ...] = ()
    flaw: SyntaxFlaw | None = None
    repeated: Location | None = None
    """Where a key is given that its mapping has already: kustomize refuses it."""


@lru_cache(1 << 16)
def clean(path: str) -> str:
    """Normalise a path in an artifact; ``..`` is clamped to the root, as SecureJoin does (kustomize-controller 1.9)."""
    return posixpath.normpath("/" + path.strip()).lstrip("/")


class Tree(Once):
    """The files of one revision of a repository. ``excluded`` maps the files left out of the artifact to the pattern."""

    def __init__(
        self,
        paths: Iterable[str],
        parse: Callable[[str], ParsedFile],
        excluded: Mapping[str, str] | None = None,
        text: Callable[[str], bytes] | None = None,
        says: Callable[[str, bytes], bool] | None = None,
    ) -> None:
        """``parse`` reads the YAML of a file, ``text`` its bytes without secret values; the content never changes.

        ``says`` tells whether a word is in that text, for those who search every file.
        """
        self.paths = tuple(sorted(paths))
        self._files = frozenset(self.paths)
        self._parse = parse
        self.text = text or (lambda _: b"")
        self.says = says or (lambda path, word: word in self.text(path))
        self._parsed: dict[str, ParsedFile] = {}
        self.excluded = dict(excluded or {})

    @cached_property
    def directories(self) -> frozenset[str]:
        """Every directory, "" for the root."""
        found = {""}
        for path in self.paths:
            parent = posixpath.dirname(path)
            while parent not in found:
                found.add(parent)
                parent = posixpath.dirname(parent)
        return frozenset(found)

    def is_file(self, path: str) -> bool:
        """Tell whether the path is a file."""
        return clean(path) in self._files

    def is_directory(self, path: str) -> bool:
        """Tell whether the path is a directory."""
        return clean(path) in self.directories

    @cached_property
    def _kept_directories(self) -> frozenset[str]:
        kept = Tree((p for p in self.paths if p not in self.excluded), self._parse)
        return kept.directories

    def hidden_by(self, path: str) -> str:
        """Return the ignore pattern that keeps a whole file or directory out of the artifact, or ""."""
        path = clean(path)
        if path in self.excluded:
            return self.excluded[path]
        if path not in self.directories or path in self._kept_directories:
            return ""
        return next((why for p, why in self.excluded.items() if p.startswith(path + "/")), "")

    def under(self, directory: str) -> tuple[str, ...]:
        """Return the files below a directory, sorted."""
        prefix = clean(directory)
        if not prefix:
            return self.paths
        # "0" follows "/": what begins with the directory's name and a slash stands between the two.
        return self.paths[bisect_left(self.paths, f"{prefix}/") : bisect_left(self.paths, f"{prefix}0")]

    def parsed(self, path: str) -> ParsedFile:
        """Return the YAML documents of a file; read once."""
        if path not in self._parsed:
            self._parsed[path] = self._parse(path)
        return self._parsed[path]

    def nearest(self, path: str, *, directories: bool = True) -> tuple[str, ...]:
        """Return up to three paths most like this one, the best first."""
        wanted = clean(path)
        known = self.directories - {""} if directories else self._files
        return self.once(("nearest", wanted, directories), lambda _: _nearest(wanted, known))


def _nearest(wanted: str, known: Collection[str]) -> tuple[str, ...]:
    head, name = posixpath.split(wanted)
    beside = sorted(p for p in known if posixpath.dirname(p) == head)
    close = {posixpath.basename(p): p for p in beside}
    best = [close[n] for n in _most_like(name, close, 0.6)]
    rest = [p for p in _most_like(wanted, known, 0.7) if p not in best] if len(best) < _MOST_NEAR else []
    return tuple((best + rest)[:_MOST_NEAR])


def _most_like(wanted: str, known: Iterable[str], cutoff: float, most: int = _MOST_NEAR) -> list[str]:
    """Return what ``difflib.get_close_matches`` does, in a quarter of the time where a tree has thousands of paths.

    The letters in common are a bound of how alike two texts are, and are counted far sooner than their order is looked at:
    whatever has fewer than the best that was found is passed over.
    """
    letters = Counter(wanted)

    def bound_of(text: str) -> float:
        return 2.0 * sum([min(n, text.count(c)) for c, n in letters.items()]) / (len(wanted) + len(text))

    alike = difflib.SequenceMatcher()
    alike.set_seq2(wanted)
    best: list[tuple[float, str]] = []
    about_as_long = (t for t in known if 2 * min(len(wanted), len(t)) >= cutoff * (len(wanted) + len(t)))
    for bound, text in sorted(((bound_of(text), text) for text in about_as_long), reverse=True):
        if bound < (best[-1][0] if len(best) == most else cutoff):
            break
        alike.set_seq1(text)
        if (score := alike.ratio()) >= cutoff:
            best = sorted([*best, (score, text)], reverse=True)[:most]
    return [text for _, text in best]


class GitTrees:
    """The trees and the remote refs of GitRepositories."""

    def __init__(
        self, trees: Mapping[Ref, Tree] | None = None, refs: Mapping[Ref, Mapping[str, str]] | None = None
    ) -> None:
        """``refs``: what ls-remote said, ref name -> commit, by GitRepository."""
        self.trees = dict(trees or {})
        self.remotes = {ref: dict(found) for ref, found in (refs or {}).items()}

    def tree(self, source: Ref) -> Tree | None:
        """Return the files of a source's revision, or None when they were not fetched."""
        return self.trees.get(source)

    def refs(self, source: Ref) -> Mapping[str, str] | None:
        """Return the remote's refs (``refs/heads/main`` -> commit), or None when they were not asked for."""
        return self.remotes.get(source)

    def names(self, source: Ref, prefix: str) -> tuple[str, ...] | None:
        """Return the branches (prefix ``refs/heads/``) or tags (``refs/tags/``), sorted; None when unknown."""
        refs = self.refs(source)
        if refs is None:
            return None
        return tuple(sorted(n.removeprefix(prefix) for n in refs if n.startswith(prefix) and not n.endswith("^{}")))


@dataclass(frozen=True, slots=True)
class ChartVersion:
    """One entry of a Helm repository index."""

    version: str
    urls: tuple[str, ...] = ()
    kube_version: str = ""
    dependencies: tuple[str, ...] = ()
    digest: str = ""
    """The sha256 of the archive that the index states, 64 small hex digits; "" where it states none that can be read."""
    created: datetime | None = None
    """When the entry was made: Helm writes the time of ``helm repo index`` (helm/pkg/repo, MustAdd)."""


def sha256(text: str) -> str:
    """Return the hex digits of a sha256 digest, with or without its ``sha256:``; "" for another digest and for none."""
    digits = text.strip().lower().removeprefix("sha256:")
    return digits if _SHA256.fullmatch(digits) else ""


class ChartIndexes:
    """The indexes of HelmRepositories."""

    def __init__(self, indexes: Mapping[Ref, Mapping[str, Sequence[ChartVersion]]] | None = None) -> None:
        """``indexes``: chart name -> versions, by HelmRepository; a chart without any is listed, its versions unread."""
        self.indexes = {ref: {k: tuple(v) for k, v in charts.items()} for ref, charts in (indexes or {}).items()}

    def charts(self, repository: Ref) -> tuple[str, ...] | None:
        """Return the chart names that a repository offers, sorted; None when its index was not read."""
        index = self.indexes.get(repository)
        return None if index is None else tuple(sorted(index))

    def offered(self, repository: Ref, chart: str) -> tuple[str, ...] | None:
        """Return the versions of a chart as the index lists them; () when it has no such chart, None when unknown."""
        index = self.indexes.get(repository)
        if index is None or index.get(chart) == ():
            return None
        return tuple(v.version for v in index.get(chart, ()))

    def listed(self, repository: Ref, chart: str, version: str) -> tuple[ChartVersion, ...]:
        """Return the entries of a version, with or without a ``v``: several where an index lists it twice."""
        return entries_of(self.indexes.get(repository, {}).get(chart, ()), version)


def entries_of(versions: Iterable[ChartVersion], version: str) -> tuple[ChartVersion, ...]:
    """Return those of a version, with or without a ``v``."""
    return tuple(v for v in versions if v.version.removeprefix("v") == version.removeprefix("v"))


def stated(entries: Iterable[ChartVersion]) -> frozenset[str]:
    """Return the digests that the entries of one version state; none where that of one of them is unknown."""
    digests = frozenset(entry.digest for entry in entries)
    return frozenset() if "" in digests else digests


class Answer(StrEnum):
    """How a git host, a Helm repository, a registry or a bucket answered, from where the collector runs."""

    OK = "ok"
    DNS = "dns"
    """The name does not resolve."""
    REFUSED = "refused"
    """Nothing listens there, or the connection was reset."""
    TIMEOUT = "timeout"
    TLS_UNKNOWN_CA = "tls-unknown-ca"
    TLS_EXPIRED = "tls-expired"
    TLS_WRONG_NAME = "tls-wrong-name"
    TLS = "tls"
    """Another fault of the TLS handshake."""
    HOST_KEY_ABSENT = "host-key-absent"
    """known_hosts has no key of the host."""
    HOST_KEY_MISMATCH = "host-key-mismatch"
    AUTHENTICATION = "authentication"
    """No or wrong credentials (401), or no right to read (403)."""
    NOT_FOUND = "not-found"
    """Not there, or hidden from these credentials."""
    EMPTY = "empty"
    """A repository without any commit."""
    MALFORMED = "malformed"
    """The answer is not what such a server answers (an HTML page, broken YAML)."""
    TOO_LARGE = "too-large"
    RATE_LIMITED = "rate-limited"
    SERVER_ERROR = "server-error"
    PROXY = "proxy"
    """The proxy of spec.proxySecretRef does not answer, or refuses."""
    NOT_CONTACTED = "not-contacted"
    """The collector refused: an address that is off limits, or a URL that no such server has."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Probe:
    """One source that was asked over the network: where, how it answered, and what it said, without any secret."""

    target: str
    answer: Answer
    detail: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Probes:
    """What was tried over the network from where the collector ran: its view, not the controller's."""

    tried: Mapping[Ref, Probe] = field(default_factory=dict)

    def of(self, source: Ref) -> Probe | None:
        """Return the probe of a source, or None when it was not tried."""
        return self.tried.get(source)
