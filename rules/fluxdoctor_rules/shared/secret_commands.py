"""The flux commands that create the Secrets of sources, with the flags that they require (flux 2.9, cmd/flux).

What fluxdoctor cannot know is a shell variable: a credential, the user name that belongs to it, and files of the reader.
"""

import shlex

from fluxdoctor import Ref, Resource


def secret_ref(resource: Resource, kind: str) -> Ref:
    """Return the Secret of spec.secretRef, or a name for a new one: ``NAME-git-auth``."""
    name = resource.text("spec.secretRef.name") or f"{resource.name}-{kind}-auth"
    return Ref("Secret", resource.namespace, name)


def git(secret: Ref, url: str) -> str:
    """Return the command for a git URL; over http and https, flux rejects it without a user name and a password."""
    login = '--private-key-file="${FILE}"' if url.startswith("ssh://") else '--username=git --password="${TOKEN}"'
    return f"{_create('git', secret)} --url={shlex.quote(url)} {login}"


def oci(secret: Ref, registry: str) -> str:
    """Return the command for a registry; flux rejects it without any of these flags."""
    url = shlex.quote(registry.removeprefix("oci://"))
    return f'{_create("oci", secret)} --url={url} --username="${{REGISTRY_USER}}" --password="${{TOKEN}}"'


def github_app(secret: Ref) -> str:
    """Return the command for a GitHub App."""
    app = '--app-id="${APP_ID}" --app-installation-id="${INSTALLATION_ID}"'
    return f'{_create("githubapp", secret)} {app} --app-private-key="${{FILE}}"'


def _create(kind: str, secret: Ref) -> str:
    return f"flux create secret {kind} {shlex.quote(secret.name)} -n {shlex.quote(secret.namespace)}"
