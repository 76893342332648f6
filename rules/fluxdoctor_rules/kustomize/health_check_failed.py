"""A health check failed: the objects that it lists are the causes."""

from collections.abc import Iterator

from fluxdoctor import Confidence, Evidence, Failures, Problem
from fluxdoctor_rules.kustomize import _apply_errors


def check(failures: Failures) -> Iterator[Problem]:
    """Report the objects that did not become ready; each of them is a possible cause."""
    for failure in failures.failed:
        if failure.resource.kind not in _apply_errors.APPLIERS:
            continue
        for words in failure.words:
            if items := _apply_errors.waited(words.message):
                causes = tuple(dict.fromkeys(_apply_errors.ref_of(m["object"]) for m in items))
                objects = ", ".join(f"{_apply_errors.ref_of(m['object'])} ({m['status']})" for m in items[:5])
                proof = Evidence(
                    words.kind, f'{words.reason}: "{" ".join(words.message.split())}"', f"{failure.ref} {words.where}"
                )
                yield Problem(
                    failure.ref,
                    {"objects": objects},
                    evidence=(proof,),
                    because=causes,
                    confidence=Confidence.REPORTED,
                )
                break
