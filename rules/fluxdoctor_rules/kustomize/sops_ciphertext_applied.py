"""An encrypted object was applied without being decrypted."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, Ref, Resource, Unknown, owner

from ._build import applied, live
from ._sops import encrypted


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem | Unknown]:
    """Look for encrypted objects in what Kustomizations without spec.decryption have applied."""
    for kustomization, build in applied(cluster, manifests):
        if kustomization.has("spec.decryption"):
            continue
        for resource in encrypted(build):
            seen = live(resource, kustomization, cluster)
            found = seen.resource
            if seen.unknown:
                yield Unknown(kustomization.ref, seen.why)
            elif found and owner(found) == kustomization.ref and _is_ciphertext(found):
                facts: dict[str, str | Ref] = {
                    "object": str(found.ref),
                    "where": str(resource.at()),
                    "subject": kustomization.ref,
                }
                yield Problem(kustomization.ref, facts, field="spec.decryption", key=str(found.ref))


def _is_ciphertext(found: Resource) -> bool:
    """Of a Secret the formats of its values are known; other kinds keep the texts that were declared."""
    values = (found.text(("keys", key, "format")) for key in found.keys("keys"))
    return found.kind != "Secret" or "sops ciphertext" in values
