"""A Kustomization applies to another cluster, and the Secret with its kubeconfig is not there or lacks the key."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Ref, Resource, State, Unknown, state


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up the Secret of spec.kubeConfig and its key: ``value`` or ``value.yaml`` where none is named."""
    for kustomization in cluster.all("Kustomization"):
        name = kustomization.text("spec.kubeConfig.secretRef.name")
        gone = kustomization.has("metadata.deletionTimestamp")
        if not name or gone or state(kustomization) is State.SUSPENDED:
            continue
        secret = Ref("Secret", kustomization.namespace, name)
        found = cluster.look(secret)
        if found.unknown and state(kustomization) is State.FAILED:
            yield Unknown(kustomization.ref, found.why)
        elif found.absent:
            facts = {"secret": secret.named, "what": "does not exist"}
            yield Problem(kustomization.ref, facts, field="spec.kubeConfig.secretRef.name", missing=secret)
        elif found.resource:
            yield from _key(kustomization, found.resource)


def _key(kustomization: Resource, secret: Resource) -> Iterator[Problem]:
    wanted = kustomization.text("spec.kubeConfig.secretRef.key")
    have = secret.keys("keys")
    if (wanted and wanted not in have) or (not wanted and not {"value", "value.yaml"} & set(have)):
        what = f"has no key {wanted or 'value'} (it has {', '.join(have) or 'none'})"
        facts = {"secret": secret.ref.named, "what": what}
        yield Problem(kustomization.ref, facts, field="spec.kubeConfig.secretRef")
