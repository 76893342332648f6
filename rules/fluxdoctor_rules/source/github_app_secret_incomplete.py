"""A GitRepository with spec.provider github but without a complete GitHub App Secret."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, State, Unknown, state
from fluxdoctor_rules.shared import secret_commands
from fluxdoctor_rules.source._secrets import has_any_value, has_value, key_list, secret_of


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Check that the Secret has the ID, the key and the installation of the App: without them every fetch fails."""
    for repository in cluster.active("GitRepository"):
        if repository.text("spec.provider") != "github":
            continue
        lookup = secret_of(cluster, repository)
        command = secret_commands.github_app(secret_commands.secret_ref(repository, "git"))
        creation = f" To create the Secret, run: {command}."
        if lookup and lookup.unknown and state(repository) is State.FAILED:
            yield lookup.as_unknown(repository.ref)
        if lookup is None:
            facts = {"lack": "spec.secretRef is not set", "held": "", "creation": creation}
            yield Problem(repository.ref, facts, field="spec.secretRef")
        elif lookup.resource:
            secret = lookup.resource
            missing = [k for k in ("githubAppID", "githubAppPrivateKey") if not has_value(secret, k)]
            if not has_any_value(secret, "githubAppInstallationID", "githubAppInstallationOwner"):
                missing.append("githubAppInstallationID")
            if missing:
                lack = f"{secret.ref} has no {', '.join(missing)}"
                facts = {"lack": lack, "held": f"; {key_list(secret)}", "creation": creation}
                yield Problem(repository.ref, facts, field="spec.secretRef", shared=str(secret.ref))
