"""A policy has no tags to select from because its ImageRepository has no scan result."""

from collections.abc import Iterator

from fluxdoctor import Edge, Evidence, Failures, Graph, Problem


def check(failures: Failures, graph: Graph) -> Iterator[Problem]:
    """Report the policy under its ImageRepository."""
    for failure in failures.failed:
        words = next(
            (w for w in failure.words if "no tags in database" in w.message or "not been scanned" in w.message), None
        )
        if failure.ref.kind == "ImagePolicy" and words:
            because = tuple(r.target for r in graph.needs(failure.ref, Edge.IMAGE_REPOSITORY))
            proof = Evidence(words.kind, words.message, f"{failure.ref} {words.where}")
            yield Problem(
                failure.ref, {"what": words.message}, (proof,), field="spec.imageRepositoryRef", because=because
            )
