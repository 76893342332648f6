"""The path of a HelmRelease's chart does not exist in its GitRepository."""

import posixpath
from collections.abc import Iterable, Iterator

from fluxdoctor import Cluster, GitTrees, Problem, State, Tree, nearest, state, suggestion
from fluxdoctor_rules.helm._releases import chart_source, generated_chart, templated

_LISTED = 3


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Search the tree for Chart.yaml; a packaged chart is a file."""
    for release in cluster.active("HelmRelease"):
        source, path = chart_source(release), release.text("spec.chart.spec.chart")
        chart = generated_chart(cluster, release)
        tree = git.tree(source) if source.kind == "GitRepository" else None
        if not tree or not path or state(chart or release) is State.READY or templated(path):
            continue
        words, hint = _flaw(tree, path)
        if words:
            yield Problem(
                release.ref,
                {"wanted": path, "where": str(source), "words": words, "hint": hint},
                field="spec.chart.spec.chart",
                explains=(chart.ref,) if chart else (),
            )


def _flaw(tree: Tree, path: str) -> tuple[str, str]:
    """Return what is wrong with a path, and a hint; both are "" if it has a chart."""
    if tree.is_file(path):
        return "", ""
    if not tree.is_directory(path):
        return " does not exist", _suggestion(nearest(path.removeprefix("./").rstrip("/"), _charts(tree.paths)))
    if pattern := tree.hidden_by(path):
        return f" is excluded by the ignore pattern {pattern}", ""
    if tree.is_file(posixpath.join(path, "Chart.yaml")):
        return "", ""
    return " has no Chart.yaml", _suggestion(_charts(tree.under(path))[:_LISTED])


def _charts(files: Iterable[str]) -> tuple[str, ...]:
    """Return the directories of charts."""
    return tuple(posixpath.dirname(file) for file in files if file.endswith("/Chart.yaml"))


def _suggestion(paths: tuple[str, ...]) -> str:
    return suggestion(f"./{path}" for path in paths)
