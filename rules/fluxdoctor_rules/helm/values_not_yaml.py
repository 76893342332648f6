"""The values of a HelmRelease are not valid YAML."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Graph, Manifests, Problem, Ref, Resource
from fluxdoctor_rules.helm._values import key_location

_ERROR = re.compile(
    r"could not resolve (?:optional )?(?P<kind>\w+) chart values reference '(?P<wanted>[^']+)' "
    r"with key '(?P<key>[^']+)': (?P<detail>(?:error (?:unmarshaling|converting)|yaml|json|cannot unmarshal).*)"
)
_LINE = re.compile(r"yaml: line (\d+):")


def check(cluster: Cluster, graph: Graph, failures: Failures, manifests: Manifests | None) -> Iterator[Problem]:
    """Report the object, key and line in the controller's error, with the location of the key in git."""
    for failure in failures.failed:
        matches = (_ERROR.search(" ".join(w.message.split())) for w in failure.words)
        match = next((m for m in matches if m), None) if failure.ref.kind == "HelmRelease" else None
        if match:
            namespace, _, name = match["wanted"].partition("/")
            source, line = Ref(match["kind"], namespace, name), _LINE.search(match["detail"])
            live = cluster.get(source)
            number = int(line[1]) if line else 0
            yield Problem(
                failure.ref,
                match.groupdict(),
                field=_field(failure.resource, source, match["key"]),
                location=key_location(live, match["key"], graph, manifests, number) if live else None,
                confidence=Confidence.REPORTED,
            )


def _field(release: Resource, source: Ref, key: str) -> str:
    for row in release.rows("spec.valuesFrom"):
        reference = (row.text("kind"), row.text("name"), row.text("valuesKey") or "values.yaml")
        if reference == (source.kind, source.name, key):
            return row.dotted
    return "spec.valuesFrom"
