"""An OCIRepository requires a signature, but the registry has none for the artifact."""

from collections.abc import Iterator

from fluxdoctor import Failures, OciTags, Problem

_MESSAGE = "failed to verify the signature"


def check(failures: Failures, oci: OciTags | None) -> Iterator[Problem]:
    """Report artifacts without any signature: their keys and identities are not the cause."""
    for failure in failures.failed:
        manifests = tuple(oci.manifests.get(failure.ref, {}).values()) if oci else ()
        if failure.ref.kind != "OCIRepository" or _MESSAGE not in failure.message or len(manifests) != 1:
            continue
        if manifests[0].signatures == ():
            spec = failure.resource.fields("spec")
            facts = {
                "url": spec.text("url"),
                "provider": spec.text("verify.provider"),
                "why": f"the registry has no signature for {manifests[0].digest}",
            }
            yield Problem(failure.ref, facts, field="spec.verify")
