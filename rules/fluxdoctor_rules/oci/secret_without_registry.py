"""The Secret of an OCIRepository has no credentials for its registry."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Problem, Ref, Resource, Unknown
from fluxdoctor_rules.oci._registry import DENIED, host, same_registry
from fluxdoctor_rules.shared import secret_commands

_KEYS = (".dockerconfigjson", ".dockercfg")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem | Unknown]:
    """Compare the registry that denies access with the registries in the docker config."""
    for failure in failures.failed:
        repository = failure.resource
        name = repository.text("spec.secretRef.name")
        if repository.kind != "OCIRepository" or not name or not DENIED.search(failure.message):
            continue
        lookup = cluster.look(Ref("Secret", repository.namespace, name))
        if lookup.unknown:
            yield lookup.as_unknown(repository.ref)
        secret, registry = lookup.resource, host(repository)
        if secret and (lack := _lack(secret, registry)):
            creation = secret_commands.oci(secret.ref, registry)
            facts = {"secret": secret.ref.named, "creation": creation, "registry": registry, "lack": lack}
            yield Problem(repository.ref, facts, field="spec.secretRef", shared=f"{secret.ref} {registry}")


def _lack(secret: Resource, registry: str) -> str:
    key = next((k for k in _KEYS if secret.has(("keys", k))), None)
    if key is None:
        names = ", ".join(secret.keys("keys"))
        return f"it has {f'only {names}' if names else 'no keys'}, but source-controller reads {_KEYS[0]}"
    if secret.text(("keys", key, "format")) != "docker config":
        return f"its {key} is not a docker config"
    registries = secret.strings(("keys", key, "registries"))
    if any(same_registry(pattern, registry) for pattern in registries):
        return ""
    return f"it has credentials for {', '.join(registries)}" if registries else "it has no credentials"
