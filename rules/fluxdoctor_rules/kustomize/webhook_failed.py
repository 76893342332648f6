"""An admission webhook does not answer, and what installs it fails itself: that is the cause."""

import re
from collections.abc import Iterator

from fluxdoctor import Evidence, Failure, Failures, Graph, Problem, Ref

_MATCH = re.compile(
    r'failed calling webhook "(?P<webhook>[^"]+)": (?P<why>.*?)(?: \S+/\S+ (?:created|configured|unchanged)|$)'
)
_SERVICE = re.compile(r"https://(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc\b")


def check(graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Read which Service the API server called: whatever has it in its inventory, and is not well, has to be repaired first."""
    for failure in failures.failed:
        for words in failure.words:
            text = " ".join(words.message.split())
            found = _MATCH.search(text)
            service = _SERVICE.search(text) if found else None
            if found and service and (owners := _owners(service, failure, graph, failures)):
                called = Ref("Service", service["namespace"], service["name"])
                proof = tuple(Evidence(f"{called} belongs to it, and it is not ready", str(o)) for o in owners)
                yield Problem(failure.ref, {"webhook": found["webhook"], "why": found["why"]}, proof, because=owners)
                break


def _owners(service: re.Match[str], failure: Failure, graph: Graph, failures: Failures) -> tuple[Ref, ...]:
    """One that waits for the very object that is refused is no cause of it: both would wait for each other."""
    called = Ref("Service", service["namespace"], service["name"])
    owners = (ref for ref in graph.appliers(called) if ref != failure.ref)
    return tuple(ref for ref in owners if (other := failures.of(ref)) and failure.ref.named not in other.message)
