"""The decryption Secret holds no key for what is encrypted."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, Ref, Resource

from ._build import unbuilt
from ._sops import encrypted, only_age, recipients


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Compare the recipients of encrypted objects with the keys of the decryption Secret, where age is the only way in."""
    for kustomization, _, build in unbuilt(cluster, manifests):
        ref = Ref("Secret", kustomization.namespace, kustomization.text("spec.decryption.secretRef.name"))
        secret = cluster.get(ref)
        for resource in encrypted(build) if secret else ():
            wanted = recipients(resource)
            held = _held(secret, wanted) if secret and wanted and only_age(resource) else ""
            if held:
                facts = {"encrypted": str(resource.ref), "recipient": ", ".join(wanted), "held": held}
                key = f"{resource.file} {resource.ref}"
                yield Problem(
                    kustomization.ref,
                    facts,
                    field="spec.decryption.secretRef",
                    key=key,
                    shared=f"{ref} {wanted}",
                )


def _held(secret: Resource, wanted: tuple[str, ...]) -> str:
    """Say why a Secret has no key for the recipients; "" where it has, or where that cannot be known."""
    names = secret.keys("keys")
    ours = [name for name in names if name.endswith(".agekey")]
    if not ours:
        listed = f" (it has {', '.join(names)})" if names else ""
        return f"{secret.ref} has no key whose name ends with .agekey{listed}"
    known = {name: secret.strings(("keys", name, "recipients")) for name in ours}
    if not all(known.values()) or any(set(found) & set(wanted) for found in known.values()):
        return ""
    return f"{secret.ref} holds the key for {', '.join(r for found in known.values() for r in found)}"
