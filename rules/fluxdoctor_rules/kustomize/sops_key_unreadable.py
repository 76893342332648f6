"""A key of the decryption Secret is not a private key."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref

_ERROR = re.compile(
    r"failed to import '(?P<key>[^']+)' data from sops (?:SOPS age )?decryption Secret "
    r"'(?:(?P<namespace>[^'/]+)/)?(?P<name>[^']+)': (?P<problem>.*)",
    re.S,
)
_FORMATS = {".agekey": "age identity", ".asc": "PGP private key"}


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Compare the format of the key with the format that its name requires."""
    for failure in failures.failed:
        error = next((m for w in failure.words if (m := _ERROR.search(w.message))), None)
        if failure.ref.kind != "Kustomization" or not error:
            continue
        key = error["key"]
        secret = cluster.get(Ref("Secret", error["namespace"] or failure.ref.namespace, error["name"]))
        actual = secret.text(("keys", key, "format")) if secret else ""
        required = next((form for end, form in _FORMATS.items() if key.endswith(end)), "")
        if secret and actual and required and required not in actual:
            facts = {"key": key, "decryption": secret.ref.named, "problem": " ".join(error["problem"].split())}
            proof = Evidence.field(f"{key} is {actual}", str(secret.ref))
            yield Problem(failure.ref, facts, evidence=(proof,), field="spec.decryption.secretRef")
