"""The Secret of spec.decryption.secretRef does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Ref, State, state


def check(cluster: Cluster) -> Iterator[Problem]:
    """Look the decryption Secret of every Kustomization up."""
    for kustomization in cluster.all("Kustomization"):
        name = kustomization.text("spec.decryption.secretRef.name")
        ref = Ref("Secret", kustomization.namespace, name)
        if name and state(kustomization) is not State.SUSPENDED and cluster.look(ref).absent:
            near = difflib.get_close_matches(name, cluster.names("Secret", ref.namespace), 1, 0.6)
            facts = {
                "name": name,
                "nearest": f"; the nearest is {near[0]}" if near else "",
                "instead": f", or name Secret {near[0]}" if near else "",
            }
            yield Problem(kustomization.ref, facts, field="spec.decryption.secretRef.name", missing=ref)
