"""A chart repository refuses the credentials of a HelmRepository, or asks for some where there are none."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Resource

from ._said import saying
from ._secrets import filled, held, referred

_SAID = re.compile(r"failed to fetch (?P<asked>\S+) : (?P<code>401 Unauthorized|403 Forbidden)")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Say which Secret is refused, or that none is named."""
    for repository, found in saying(failures, _SAID, "HelmRepository"):
        name = repository.text("spec.secretRef.name")
        secret = f"Secret {repository.namespace}/{name}"
        url = repository.text("spec.url")
        if name:
            refused = f"{url} refuses {secret}{_keys(cluster, repository)} with {found['code']}"
            remedy = (
                f"put a valid username and password into {secret}, then flux reconcile source helm {repository.name}"
            )
        else:
            refused = f"{url} asks for credentials ({found['code']}), and spec.secretRef is not set"
            remedy = "create a Secret with username and password, and name it in spec.secretRef"
        facts = {"refused": refused, "remedy": remedy}
        yield Problem(repository.ref, facts, field="spec.secretRef", shared=refused, confidence=Confidence.REPORTED)


def _keys(cluster: Cluster, repository: Resource) -> str:
    found = referred(cluster, repository)
    if not found or not found.resource:
        return ""
    lacking = [key for key in ("username", "password") if not filled(found.resource, key)]
    return f", which has no {' and '.join(lacking)} ({held(found.resource)})," if lacking else ""
