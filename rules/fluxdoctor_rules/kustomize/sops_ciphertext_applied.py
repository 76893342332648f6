"""An encrypted object was applied without decryption."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, Ref, Resource, Unknown, owner
from fluxdoctor_rules.kustomize._build import applied, live
from fluxdoctor_rules.kustomize._sops import encrypted


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem | Unknown]:
    """Find encrypted objects that Kustomizations without spec.decryption have applied."""
    for kustomization, build in applied(cluster, manifests):
        if kustomization.has("spec.decryption"):
            continue
        for resource in encrypted(build):
            lookup = live(resource, kustomization, cluster)
            deployed = lookup.resource
            if lookup.unknown:
                yield lookup.as_unknown(kustomization.ref)
            elif deployed and owner(deployed) == kustomization.ref and _is_ciphertext(deployed):
                facts: dict[str, str | Ref] = {
                    "object": str(deployed.ref),
                    "where": str(resource.at()),
                    "subject": kustomization.ref,
                }
                yield Problem(kustomization.ref, facts, field="spec.decryption", key=str(deployed.ref))


def _is_ciphertext(deployed: Resource) -> bool:
    """Check the formats of the values of a Secret; an object of another kind has the values that were declared."""
    formats = (deployed.text(("keys", key, "format")) for key in deployed.keys("keys"))
    return deployed.kind != "Secret" or "sops ciphertext" in formats
