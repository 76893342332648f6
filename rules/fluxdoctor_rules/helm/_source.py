"""Charts whose files are in a GitRepository."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from fluxdoctor import Cluster, Fields, GitTrees, Ref, Resource, Tree, clean
from fluxdoctor_rules.helm._releases import active, chart_source, templated

#: A place where a template reads values: .Values.image.tag, $.Values, .Values alone.
_MENTION = re.compile(r"\.Values((?:\.[A-Za-z_]\w*)*)")

Path = tuple[str, ...]


def mentioned(text: str) -> Iterator[Path]:
    """Yield the paths of values that a text reads."""
    for found in _MENTION.finditer(text):
        yield tuple(found[1].split(".")[1:])


@dataclass(frozen=True)
class Chart:
    """A chart directory in a source's tree."""

    tree: Tree
    path: str

    @cached_property
    def about(self) -> Resource | None:
        """Chart.yaml."""
        return self.document("Chart.yaml")

    def document(self, name: str) -> Resource | None:
        """Return the first document of a file of the chart, or None where there is none that can be read."""
        file = posixpath.join(self.path, name)
        documents = self.tree.parsed(file).documents if self.tree.is_file(file) else ()
        return documents[0] if documents else None

    @cached_property
    def dependencies(self) -> tuple[Fields, ...]:
        """The dependencies that Chart.yaml names."""
        return self.about.rows("dependencies") if self.about else ()

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """The template files, those of charts in charts/ too."""
        return tuple(p for p in self.tree.under(self.path) if "/templates/" in f"/{p}")

    @cached_property
    def mentions(self) -> frozenset[Path]:
        """The paths of values that a file of the chart reads; () where one reads all. Default values may hold templates."""
        return frozenset(
            found
            for file in self.tree.under(self.path)
            for found in mentioned(self.tree.text(file).decode("utf-8", "replace"))
        )

    @property
    def is_whole(self) -> bool:
        """Every chart that it depends on is a directory in charts/: nothing unseen reads its values."""
        packed = any(p.endswith(".tgz") for p in self.tree.under(posixpath.join(self.path, "charts")))
        return not packed and all(self.subchart(row.text("name")) for row in self.dependencies)

    def subchart(self, name: str) -> "Chart | None":
        """Return a dependency that is there as a directory."""
        path = posixpath.join(self.path, "charts", name)
        return Chart(self.tree, path) if self.tree.is_file(posixpath.join(path, "Chart.yaml")) else None


def charts(cluster: Cluster, git: GitTrees) -> Iterator[tuple[Resource, Chart]]:
    """Yield the releases whose chart is a directory of a GitRepository, with it."""
    known: dict[tuple[Ref, str], Chart] = {}
    for release in active(cluster):
        source, path = chart_source(release), release.text("spec.chart.spec.chart")
        tree = git.tree(source) if source.kind == "GitRepository" else None
        if tree and path and not templated(path) and tree.is_file(posixpath.join(clean(path), "Chart.yaml")):
            # Many releases of one chart read its files once.
            chart = known.setdefault((source, clean(path)), Chart(tree, clean(path)))
            yield release, chart
