"""The kubeconfig Secret of a Kustomization does not exist or lacks the key."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Ref, Resource, State, Unknown, state


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up the Secret of spec.kubeConfig and its key, which is ``value`` or ``value.yaml`` by default."""
    for kustomization in cluster.all("Kustomization"):
        name = kustomization.text("spec.kubeConfig.secretRef.name")
        is_terminating = kustomization.has("metadata.deletionTimestamp")
        if not name or is_terminating or state(kustomization) is State.SUSPENDED:
            continue
        secret = Ref("Secret", kustomization.namespace, name)
        lookup = cluster.look(secret)
        if lookup.unknown and state(kustomization) is State.FAILED:
            yield Unknown(kustomization.ref, lookup.why)
        elif lookup.absent:
            facts = {"secret": secret.named, "what": "does not exist"}
            yield Problem(kustomization.ref, facts, field="spec.kubeConfig.secretRef.name", missing=secret)
        elif lookup.resource:
            yield from _key(kustomization, lookup.resource)


def _key(kustomization: Resource, secret: Resource) -> Iterator[Problem]:
    key = kustomization.text("spec.kubeConfig.secretRef.key")
    keys = secret.keys("keys")
    if (key and key not in keys) or (not key and not {"value", "value.yaml"} & set(keys)):
        what = f"has no key {key or 'value'} (its keys: {', '.join(keys) or 'none'})"
        facts = {"secret": secret.ref.named, "what": what}
        yield Problem(kustomization.ref, facts, field="spec.kubeConfig.secretRef")
