"""A key of the decryption Secret is not a private key."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref

_SAID = re.compile(
    r"failed to import '(?P<key>[^']+)' data from sops (?:SOPS age )?decryption Secret "
    r"'(?:(?P<namespace>[^'/]+)/)?(?P<name>[^']+)': (?P<problem>.*)",
    re.S,
)
_MEANT = {".agekey": "age identity", ".asc": "PGP private key"}


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Compare what the key looks like with what its name promises."""
    for failure in failures.failed:
        found = next((m for w in failure.words if (m := _SAID.search(w.message))), None)
        if failure.ref.kind != "Kustomization" or not found:
            continue
        key = found["key"]
        secret = cluster.get(Ref("Secret", found["namespace"] or failure.ref.namespace, found["name"]))
        shape = secret.text(("keys", key, "format")) if secret else ""
        meant = next((form for end, form in _MEANT.items() if key.endswith(end)), "")
        if secret and shape and meant and meant not in shape:
            facts = {"key": key, "decryption": secret.ref.named, "problem": " ".join(found["problem"].split())}
            proof = Evidence(f"{key} is {shape}", str(secret.ref))
            yield Problem(failure.ref, facts, evidence=(proof,), field="spec.decryption.secretRef")
