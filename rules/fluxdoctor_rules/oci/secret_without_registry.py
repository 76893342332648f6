"""The Secret of an OCIRepository has no credentials for its registry."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Problem, Ref, Resource, Unknown

from ._registry import REFUSED, host, same_registry

_KEYS = (".dockerconfigjson", ".dockercfg")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem | Unknown]:
    """Of a repository that is refused, compare the registry with those that the docker config knows."""
    for failure in failures.failed:
        repository = failure.resource
        name = repository.text("spec.secretRef.name")
        if repository.kind != "OCIRepository" or not name or not REFUSED.search(failure.message):
            continue
        found = cluster.look(Ref("Secret", repository.namespace, name))
        if found.unknown:
            yield Unknown(repository.ref, found.why)
        if found.resource and (lack := _lack(found.resource, host(repository))):
            facts = {"secret": found.resource.ref.named, "registry": host(repository), "lack": lack}
            yield Problem(
                repository.ref, facts, field="spec.secretRef", shared=f"{found.resource.ref} {facts['registry']}"
            )


def _lack(secret: Resource, registry: str) -> str:
    key = next((k for k in _KEYS if secret.has(("keys", k))), None)
    if key is None:
        names = ", ".join(secret.keys("keys")) or "nothing"
        return f"it has {names}, and {_KEYS[0]} is what is read"
    if secret.text(("keys", key, "format")) != "docker config":
        return f"its {key} is no docker config"
    known = secret.strings(("keys", key, "registries"))
    if any(same_registry(pattern, registry) for pattern in known):
        return ""
    return f"it has some for {', '.join(known)}" if known else "it has none at all"
