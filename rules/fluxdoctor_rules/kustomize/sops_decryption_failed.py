"""An encrypted file that SOPS cannot decrypt."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Manifests, Problem, object_names
from fluxdoctor_rules.kustomize._sops import encrypted

_MESSAGE = re.compile(r"[Dd]ecryption failed for '(?P<object>[^']+)': (?P<problem>.*)")
#: kustomize/sops-key-mismatch reports these.
_NO_KEY = re.compile(r"cannot get sops data key|failed to load age identities|no identit(?:y|ies) ")


def check(failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    """Find the file of the object that the controller cannot decrypt."""
    for failure in failures.failed:
        match = _MESSAGE.search(" ".join(failure.message.split())) if failure.ref.kind == "Kustomization" else None
        build = manifests.build(failure.resource) if match else None
        if not match or not build or _NO_KEY.search(match["problem"]):
            continue
        facts = object_names.canonical(match.groupdict())
        kind, _, name = facts["object"].partition("/")
        files = [r.file for r in encrypted(build) if (r.kind, r.name) == (kind, name)]
        if len(set(files)) == 1:
            yield Problem(
                failure.ref,
                {**facts, "test": f". Run: sops --decrypt {files[0]}"},
                field="spec.decryption",
                confidence=Confidence.REPORTED,
            )
