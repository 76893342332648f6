"""An OCIRepository wants a signature, and its registry has none for the artifact."""

from collections.abc import Iterator

from fluxdoctor import Failures, OciTags, Problem

_SAID = "failed to verify the signature"


def check(failures: Failures, oci: OciTags | None) -> Iterator[Problem]:
    """Where nobody signed, keys and identities are not what is wrong."""
    for failure in failures.failed:
        manifests = tuple(oci.manifests.get(failure.ref, {}).values()) if oci else ()
        if failure.ref.kind != "OCIRepository" or _SAID not in failure.message or len(manifests) != 1:
            continue
        if manifests[0].signatures == ():
            spec = failure.resource.fields("spec")
            facts = {
                "url": spec.text("url"),
                "provider": spec.text("verify.provider"),
                "why": f"the registry has no signature of {manifests[0].digest}",
            }
            yield Problem(failure.ref, facts, field="spec.verify")
