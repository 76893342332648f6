"""A health check did not pass: the objects that it names are where to look."""

from collections.abc import Iterator

from fluxdoctor import Confidence, Evidence, Failures, Problem
from fluxdoctor_rules.kustomize import _said


def check(failures: Failures) -> Iterator[Problem]:
    """Read which objects kept a Kustomization waiting; each of them is a cause to follow."""
    for failure in failures.failed:
        if failure.resource.kind not in _said.APPLIERS:
            continue
        for words in failure.words:
            if items := _said.waited(words.message):
                named = tuple(dict.fromkeys(_said.ref_of(m["object"]) for m in items))
                objects = ", ".join(f"{_said.ref_of(m['object'])} ({m['status']})" for m in items[:5])
                proof = Evidence(f'{words.reason}: "{" ".join(words.message.split())}"', f"{failure.ref} {words.where}")
                yield Problem(
                    failure.ref,
                    {"objects": objects},
                    evidence=(proof,),
                    because=named,
                    confidence=Confidence.REPORTED,
                )
                break
