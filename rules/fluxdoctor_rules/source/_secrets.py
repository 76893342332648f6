"""Facts about the Secrets that sources refer to: key names and formats, never values."""

from fluxdoctor import Cluster, Lookup, Ref, Resource


def secret_of(cluster: Cluster, resource: Resource, field: str = "spec.secretRef") -> Lookup | None:
    """Look up the Secret that a field refers to; None if the field is not set."""
    name = resource.text(f"{field}.name")
    return cluster.look(Ref("Secret", resource.namespace, name)) if name else None


def has_value(secret: Resource, key: str) -> bool:
    """Tell whether the key exists and is not empty: the controllers treat an empty value as a missing key."""
    return secret.has(("keys", key)) and secret.text(("keys", key, "format")) != "empty"


def has_any_value(secret: Resource, *keys: str) -> bool:
    """Tell whether at least one of the keys has a value."""
    return any(has_value(secret, key) for key in keys)


def key_list(secret: Resource) -> str:
    """Return a clause that lists the keys of a Secret: ``it has keys a, b (empty)`` or ``it has no keys``."""
    keys = secret.keys("keys")
    if not keys:
        return "it has no keys"
    names = ", ".join(key if has_value(secret, key) else f"{key} (empty)" for key in keys)
    return f"it has {'key' if len(keys) == 1 else 'keys'} {names}"
