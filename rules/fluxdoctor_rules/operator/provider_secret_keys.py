"""The Secret of an input provider lacks the keys that the API of a git provider needs."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Ref, Resource

_GIT = ("GitHub", "GitLab", "AzureDevOps", "Gitea")
_APP = "githubAppID"


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare the keys with the type of the provider (flux-operator 0.58): a GitHub App, or a user name and a token."""
    for provider in cluster.active("ResourceSetInputProvider"):
        name = provider.text("spec.secretRef.name")
        secret = cluster.get(Ref("Secret", provider.namespace, name)) if name else None
        if secret is None or not provider.text("spec.type").startswith(_GIT):
            continue
        lacking = _lacking(secret, provider.text("spec.type"))
        if lacking:
            keys = ", ".join(secret.keys("keys"))
            facts = {
                "secret": secret.ref.named,
                "lack": " and ".join(lacking),
                "held": f"; it has {keys}" if keys else "",
            }
            proof = Evidence.field(f"keys: {keys or 'none'}", str(secret.ref))
            yield Problem(provider.ref, facts, (proof,), field="spec.secretRef", shared=secret.ref.named)


def _lacking(secret: Resource, type_: str) -> list[str]:
    keys = secret.keys("keys")
    if type_.startswith("GitHub") and _APP in keys:
        return [] if "githubAppPrivateKey" in keys else ["githubAppPrivateKey"]
    return [key for key in ("username", "password") if key not in keys]
