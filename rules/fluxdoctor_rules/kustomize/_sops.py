"""Objects of a build that are encrypted with SOPS."""

from collections.abc import Iterator

from fluxdoctor import Build, Resource

_SWITCH = "kustomize.toolkit.fluxcd.io/decrypt"


def encrypted(build: Build) -> Iterator[Resource]:
    """Yield the encrypted objects that Flux should decrypt."""
    for resource in build.objects:
        if resource.has("sops") and resource.annotation(_SWITCH).lower() != "disabled":
            yield resource


def recipients(resource: Resource) -> tuple[str, ...]:
    """Return the age recipients; a Secret has them as names, any other object as rows."""
    return resource.strings("sops.age") or tuple(row.text("recipient") for row in resource.rows("sops.age"))


def only_age(resource: Resource) -> bool:
    """Tell whether only age can decrypt the object: no PGP key and no key service."""
    others = ("pgp", "services", "kms", "gcp_kms", "azure_kv", "hc_vault", "key_groups")
    return not any(resource.get(("sops", key)) for key in others)
