"""An admission webhook does not answer, and the object that installs it fails: this is the cause."""

import re
from collections.abc import Iterator

from fluxdoctor import Evidence, Failure, Failures, Graph, Problem, Ref

_MATCH = re.compile(
    r'failed calling webhook "(?P<webhook>[^"]+)": (?P<why>.*?)(?: \S+/\S+ (?:created|configured|unchanged)|$)'
)
_SERVICE = re.compile(r"https://(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc\b")


def check(graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Find the owners of the Service that the API server called. An owner that fails must be fixed first."""
    for failure in failures.failed:
        for words in failure.words:
            text = " ".join(words.message.split())
            error = _MATCH.search(text)
            service = _SERVICE.search(text) if error else None
            if error and service and (owners := _owners(service, failure, graph, failures)):
                called = Ref("Service", service["namespace"], service["name"])
                proof = tuple(Evidence.field(f"applies {called} and is not ready", str(o)) for o in owners)
                yield Problem(failure.ref, {"webhook": error["webhook"], "why": error["why"]}, proof, because=owners)
                break


def _owners(service: re.Match[str], failure: Failure, graph: Graph, failures: Failures) -> tuple[Ref, ...]:
    """Return the failing owners of a Service, without those that wait for the rejected object themselves."""
    called = Ref("Service", service["namespace"], service["name"])
    owners = (ref for ref in graph.appliers(called) if ref != failure.ref)
    return tuple(ref for ref in owners if (other := failures.of(ref)) and failure.ref.named not in other.message)
