"""A Secret of a GitHub App, and a GitRepository that does not say so."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, State, state

from ._secrets import filled, held, referred


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read the names of the keys: with an App's and without provider github source-controller refuses the Secret (1.6)."""
    for repository in cluster.all("GitRepository"):
        provider = repository.text("spec.provider") or "generic"
        found = referred(cluster, repository)
        secret = found.resource if found else None
        if secret is None or provider == "github" or state(repository) is not State.FAILED:
            continue
        if filled(secret, "githubAppID") and not filled(secret, "password"):
            proof = Evidence(held(secret), str(secret.ref))
            yield Problem(repository.ref, {"secret": secret.ref.named}, (proof,), field="spec.provider")
