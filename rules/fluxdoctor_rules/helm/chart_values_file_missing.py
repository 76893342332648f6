"""The repository does not contain a values file of a chart from git."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Problem, State, state, suggestion
from fluxdoctor_rules.helm._releases import chart_source, generated_chart, templated

#: Files of every chart that are no values.
_NO_VALUES = ("Chart.yaml", "Chart.lock", "values.schema.json")


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Look up valuesFiles, which are relative to the root of the GitRepository (source-controller 1.9)."""
    for release in cluster.active("HelmRelease"):
        source, chart = chart_source(release), generated_chart(cluster, release)
        tree = git.tree(source) if source.kind == "GitRepository" else None
        is_ready = state(chart or release) is State.READY
        if tree is None or is_ready or release.flag("spec.chart.spec.ignoreMissingValuesFiles"):
            continue
        for i, file in enumerate(release.strings("spec.chart.spec.valuesFiles")):
            if not templated(file) and not tree.is_file(file):
                similar = tree.nearest(file, directories=False)
                hint = suggestion(f for f in similar if posixpath.basename(f) not in _NO_VALUES)
                facts = {"file": file, "detail": f"{source} does not contain it{hint}"}
                proof = Evidence.field(f"{file} does not exist", str(source))
                yield Problem(
                    release.ref,
                    facts,
                    evidence=(proof,),
                    field=f"spec.chart.spec.valuesFiles[{i}]",
                    explains=(chart.ref,) if chart else (),
                    key=file,
                )
