"""A values file that a chart from git is to be built with is not in the repository."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Problem, State, state
from fluxdoctor_rules.helm._releases import active, chart_source, generated_chart, templated


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """For a GitRepository the paths of valuesFiles count from the root of the source (source-controller 1.9)."""
    for release in active(cluster):
        source, made = chart_source(release), generated_chart(cluster, release)
        tree = git.tree(source) if source.kind == "GitRepository" else None
        ready = state(made or release) is State.READY
        if tree is None or ready or release.flag("spec.chart.spec.ignoreMissingValuesFiles"):
            continue
        for i, file in enumerate(release.strings("spec.chart.spec.valuesFiles")):
            if not templated(file) and not tree.is_file(file):
                near = tree.nearest(file, directories=False)
                hint = f"; the nearest is {near[0]}" if near else ""
                facts = {"file": file, "detail": f"it is not in {source}{hint}"}
                proof = Evidence(f"{file} is not among its files", str(source))
                yield Problem(
                    release.ref,
                    facts,
                    evidence=(proof,),
                    field=f"spec.chart.spec.valuesFiles[{i}]",
                    explains=(made.ref,) if made else (),
                    key=file,
                )
