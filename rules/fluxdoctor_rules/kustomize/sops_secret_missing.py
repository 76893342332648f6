"""The Secret of spec.decryption.secretRef does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Ref, State, did_you_mean, state


def check(cluster: Cluster) -> Iterator[Problem]:
    """Look up the decryption Secret of every Kustomization that is not suspended."""
    for kustomization in cluster.all("Kustomization"):
        name = kustomization.text("spec.decryption.secretRef.name")
        ref = Ref("Secret", kustomization.namespace, name)
        if name and state(kustomization) is not State.SUSPENDED and cluster.look(ref).absent:
            facts = {"name": name, "nearest": did_you_mean(name, cluster.names("Secret", ref.namespace))}
            yield Problem(kustomization.ref, facts, field="spec.decryption.secretRef.name", missing=ref)
