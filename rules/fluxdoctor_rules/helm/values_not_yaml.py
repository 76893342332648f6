"""A HelmRelease's values cannot be read as YAML."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Graph, Manifests, Problem, Ref, Resource
from fluxdoctor_rules.helm._values import key_location

_SAID = re.compile(
    r"could not resolve (?:optional )?(?P<kind>\w+) chart values reference '(?P<wanted>[^']+)' "
    r"with key '(?P<key>[^']+)': (?P<detail>(?:error (?:unmarshaling|converting)|yaml|json|cannot unmarshal).*)"
)
_LINE = re.compile(r"yaml: line (\d+):")


def check(cluster: Cluster, graph: Graph, failures: Failures, manifests: Manifests | None) -> Iterator[Problem]:
    """The controller names the object, the key and often the line; git tells where the key is written."""
    for failure in failures.failed:
        said = (_SAID.search(" ".join(w.message.split())) for w in failure.words)
        found = next((m for m in said if m), None) if failure.ref.kind == "HelmRelease" else None
        if found:
            namespace, _, name = found["wanted"].partition("/")
            source, line = Ref(found["kind"], namespace, name), _LINE.search(found["detail"])
            live = cluster.get(source)
            number = int(line[1]) if line else 0
            yield Problem(
                failure.ref,
                found.groupdict(),
                field=_field(failure.resource, source, found["key"]),
                location=key_location(live, found["key"], graph, manifests, number) if live else None,
                confidence=Confidence.REPORTED,
            )


def _field(release: Resource, source: Ref, key: str) -> str:
    for row in release.rows("spec.valuesFrom"):
        named = (row.text("kind"), row.text("name"), row.text("valuesKey") or "values.yaml")
        if named == (source.kind, source.name, key):
            return row.dotted
    return "spec.valuesFrom"
