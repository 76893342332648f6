"""The decryption Secret has no key for an encrypted object."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, Ref, Resource
from fluxdoctor_rules.kustomize._build import unbuilt
from fluxdoctor_rules.kustomize._sops import encrypted, only_age, recipients


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Compare the recipients of encrypted objects with the keys of the decryption Secret, if only age can decrypt them."""
    for kustomization, _, build in unbuilt(cluster, manifests):
        ref = Ref("Secret", kustomization.namespace, kustomization.text("spec.decryption.secretRef.name"))
        secret = cluster.get(ref)
        for resource in encrypted(build) if secret else ():
            required = recipients(resource)
            mismatch = _mismatch(secret, required) if secret and required and only_age(resource) else ""
            if mismatch:
                facts = {
                    "object": str(resource.ref),
                    "recipient": ", ".join(required),
                    "held": mismatch,
                    "update": f". After a change to .sops.yaml, run: sops updatekeys {resource.file}",
                }
                key = f"{resource.file} {resource.ref}"
                yield Problem(
                    kustomization.ref,
                    facts,
                    field="spec.decryption.secretRef",
                    key=key,
                    shared=f"{ref} {required}",
                )


def _mismatch(secret: Resource, required: tuple[str, ...]) -> str:
    """Return why a Secret has no key for the recipients; "" if it has one, or if this is not known."""
    names = secret.keys("keys")
    age_keys = [name for name in names if name.endswith(".agekey")]
    if not age_keys:
        listed = f" (it has {', '.join(names)})" if names else ""
        return f"{secret.ref} has no key whose name ends with .agekey{listed}"
    available = [secret.strings(("keys", name, "recipients")) for name in age_keys]
    if not all(available) or any(set(names) & set(required) for names in available):
        return ""
    return f"{secret.ref} has the key for {', '.join(r for names in available for r in names)}"
