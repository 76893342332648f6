"""A policy without tags to choose from: its ImageRepository has no scan to show."""

from collections.abc import Iterator

from fluxdoctor import Edge, Evidence, Failures, Graph, Problem


def check(failures: Failures, graph: Graph) -> Iterator[Problem]:
    """Fold the policy under the ImageRepository that it names."""
    for failure in failures.failed:
        words = next(
            (w for w in failure.words if "no tags in database" in w.message or "not been scanned" in w.message), None
        )
        if failure.ref.kind == "ImagePolicy" and words:
            because = tuple(r.target for r in graph.needs(failure.ref, Edge.IMAGE_REPOSITORY))
            proof = Evidence(words.message, f"{failure.ref} {words.where}")
            yield Problem(
                failure.ref, {"what": words.message}, (proof,), field="spec.imageRepositoryRef", because=because
            )
