"""A GitRepository with provider github has no complete GitHub App Secret."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, State, Unknown, state

from ._secrets import any_filled, filled, held, referred


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Provider github needs a Secret with the App's id, key and installation; any other fails for sure."""
    for repository in cluster.all("GitRepository"):
        if repository.text("spec.provider") != "github" or state(repository) is State.SUSPENDED:
            continue
        found = referred(cluster, repository)
        if found and found.unknown and state(repository) is State.FAILED:
            yield Unknown(repository.ref, found.why)
        if found is None:
            yield Problem(repository.ref, {"lack": "spec.secretRef is not set", "held": ""}, field="spec.secretRef")
        elif found.resource:
            secret = found.resource
            lacking = [k for k in ("githubAppID", "githubAppPrivateKey") if not filled(secret, k)]
            if not any_filled(secret, "githubAppInstallationID", "githubAppInstallationOwner"):
                lacking.append("githubAppInstallationID")
            if lacking:
                facts = {"lack": f"Secret {secret.ref.named} lacks {', '.join(lacking)}", "held": f"; {held(secret)}"}
                yield Problem(repository.ref, facts, field="spec.secretRef", shared=str(secret.ref))
