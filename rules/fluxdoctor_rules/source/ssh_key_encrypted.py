"""The ssh key of a GitRepository has a passphrase that the Secret does not hold."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, State, state

from ._secrets import filled, referred


def check(cluster: Cluster) -> Iterator[Problem]:
    """The header of the key tells that it is encrypted."""
    for repository in cluster.all("GitRepository"):
        found = referred(cluster, repository)
        if not found or not found.resource or not repository.text("spec.url").startswith("ssh://"):
            continue
        encrypted = found.resource.flag(("keys", "identity", "encrypted")) and not filled(found.resource, "password")
        if encrypted and state(repository) is not State.SUSPENDED:
            secret = found.resource.ref.named
            yield Problem(repository.ref, {"secret": secret}, field="spec.secretRef", shared=secret)
