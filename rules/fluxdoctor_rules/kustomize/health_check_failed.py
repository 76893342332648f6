"""A health check failed: the objects that it lists are the causes."""

from collections.abc import Iterator

from fluxdoctor import Confidence, Evidence, Failures, Problem, kubectl
from fluxdoctor_rules.kustomize import _apply_errors

#: How many objects a message lists.
_MOST = 5


def check(failures: Failures) -> Iterator[Problem]:
    """Report the objects that did not become ready; each of them is a possible cause."""
    for failure in failures.failed:
        if failure.resource.kind not in _apply_errors.APPLIERS:
            continue
        for words in failure.words:
            if items := _apply_errors.waited(words.message):
                causes = tuple(dict.fromkeys(_apply_errors.ref_of(m["object"]) for m in items))
                objects = ", ".join(f"{_apply_errors.ref_of(m['object'])} ({m['status']})" for m in items[:_MOST])
                proof = Evidence(
                    words.kind, f'{words.reason}: "{" ".join(words.message.split())}"', f"{failure.ref} {words.where}"
                )
                yield Problem(
                    failure.ref,
                    {"objects": objects, "description": f". Run: {kubectl('describe', *causes[:_MOST])}"},
                    evidence=(proof,),
                    because=causes,
                    confidence=Confidence.REPORTED,
                )
                break
