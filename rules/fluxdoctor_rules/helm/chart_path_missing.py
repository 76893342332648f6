"""A HelmRelease takes its chart from a path of a GitRepository where there is none."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import Cluster, GitTrees, Problem, Resource, State, Tree, state
from fluxdoctor_rules.helm._releases import active, chart_source, generated_chart, templated


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Look for Chart.yaml in the tree; a packaged chart is a file."""
    for release in active(cluster):
        source, path = chart_source(release), release.text("spec.chart.spec.chart")
        made = generated_chart(cluster, release)
        tree = git.tree(source) if source.kind == "GitRepository" else None
        if tree and path and state(made or release) is not State.READY and not templated(path):
            words = _wrong(tree, path)
            if words:
                yield _problem(release, made, str(source), words)


def _wrong(tree: Tree, path: str) -> str:
    """Say what is wrong with the path; "" where a chart is there."""
    if tree.is_file(path):
        return ""
    if not tree.is_directory(path):
        close = tree.nearest(path)
        return f" is not there; the nearest is ./{close[0]}" if close else " is not there"
    if hidden := tree.hidden_by(path):
        return f" is left out of the artifact by the ignore pattern {hidden}"
    if tree.is_file(posixpath.join(path, "Chart.yaml")):
        return ""
    below = [posixpath.dirname(p) for p in tree.under(path) if p.endswith("/Chart.yaml")]
    return " has no Chart.yaml" + (f"; there is one in ./{below[0]}" if below else "")


def _problem(release: Resource, made: Resource | None, source: str, words: str) -> Problem:
    return Problem(
        release.ref,
        {"wanted": release.text("spec.chart.spec.chart"), "where": source, "words": words},
        field="spec.chart.spec.chart",
        explains=(made.ref,) if made else (),
    )
