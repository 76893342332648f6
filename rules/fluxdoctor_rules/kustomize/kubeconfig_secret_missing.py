"""The kubeconfig Secret of a Kustomization does not exist or lacks the key."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Ref, Resource, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up the Secret of spec.kubeConfig and its key, which is ``value`` or ``value.yaml`` by default."""
    for result in missing.references(cluster, ("Kustomization",), Edge.KUBE_CONFIG, only=_names_secret):
        if isinstance(result, Unknown):
            yield result
        else:
            yield result.problem({"secret": result.target.named, "what": f"does not exist{result.hint}"})
    for kustomization in filter(_names_secret, cluster.active("Kustomization")):
        name = kustomization.text("spec.kubeConfig.secretRef.name")
        if secret := cluster.get(Ref("Secret", kustomization.namespace, name)):
            yield from _key(kustomization, secret)


def _names_secret(kustomization: Resource) -> bool:
    return kustomization.has("spec.kubeConfig.secretRef.name")


def _key(kustomization: Resource, secret: Resource) -> Iterator[Problem]:
    key = kustomization.text("spec.kubeConfig.secretRef.key")
    keys = secret.keys("keys")
    if (key and key not in keys) or (not key and not {"value", "value.yaml"} & set(keys)):
        what = f"has no key {key or 'value'} (its keys: {', '.join(keys) or 'none'})"
        facts = {"secret": secret.ref.named, "what": what}
        yield Problem(kustomization.ref, facts, field="spec.kubeConfig.secretRef")
