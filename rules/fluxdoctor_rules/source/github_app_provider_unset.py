"""A GitRepository with a GitHub App Secret but without spec.provider github."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, State, state
from fluxdoctor_rules.source._secrets import has_value, key_list, secret_of


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare the keys with the provider: source-controller 1.6 rejects a GitHub App Secret without provider github."""
    for repository in cluster.active("GitRepository"):
        provider = repository.text("spec.provider") or "generic"
        lookup = secret_of(cluster, repository)
        secret = lookup.resource if lookup else None
        if secret is None or provider == "github" or state(repository) is not State.FAILED:
            continue
        if has_value(secret, "githubAppID") and not has_value(secret, "password"):
            proof = Evidence.field(key_list(secret), str(secret.ref))
            yield Problem(repository.ref, {"secret": secret.ref.named}, (proof,), field="spec.provider")
