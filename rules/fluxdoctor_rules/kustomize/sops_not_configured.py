"""The file of an encrypted Secret whose Kustomization has no spec.decryption."""

from collections.abc import Iterator

from fluxdoctor import Failures, Manifests, Problem, Ref
from fluxdoctor_rules.kustomize._sops import encrypted


def check(failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    """Find the Secret of the controller's message in the files of a Kustomization without spec.decryption."""
    for failure in failures.failed:
        kustomization = failure.resource
        if failure.ref.kind != "Kustomization" or kustomization.has("spec.decryption"):
            continue
        build = manifests.build(kustomization)
        message = " ".join(w.message for w in failure.words if "is SOPS encrypted" in w.message)
        for resource in encrypted(build) if build and message else ():
            if resource.text("kind") == "Secret" and f"{resource.name} is SOPS encrypted" in message:
                facts: dict[str, str | Ref] = {
                    "secret": str(resource.ref),
                    "subject": failure.ref,
                    "place": f" ({resource.at()})",
                }
                yield Problem(failure.ref, facts, field="spec.decryption")
