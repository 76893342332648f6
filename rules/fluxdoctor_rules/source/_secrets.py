"""What is known of the Secrets that sources refer to: key names and formats, never values."""

from fluxdoctor import Cluster, Lookup, Ref, Resource


def referred(cluster: Cluster, resource: Resource, field: str = "spec.secretRef") -> Lookup | None:
    """Look up the Secret that a field refers to; None where the field names none."""
    name = resource.text(f"{field}.name")
    return cluster.look(Ref("Secret", resource.namespace, name)) if name else None


def filled(secret: Resource, key: str) -> bool:
    """Tell whether the Secret has the key with something in it: the controllers treat an empty value as none."""
    return secret.has(("keys", key)) and secret.text(("keys", key, "format")) != "empty"


def any_filled(secret: Resource, *keys: str) -> bool:
    """Tell whether one of the keys is filled."""
    return any(filled(secret, key) for key in keys)


def held(secret: Resource) -> str:
    """Say which keys a Secret has, for a sentence."""
    keys = secret.keys("keys")
    if not keys:
        return "it is empty"
    return f"it has {', '.join(k if filled(secret, k) else f'{k} (empty)' for k in keys)}"
