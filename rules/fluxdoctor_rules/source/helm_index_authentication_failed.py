"""A chart repository that rejects the credentials of a HelmRepository, or requires credentials that are not set."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Resource
from fluxdoctor_rules.source._messages import failing_with
from fluxdoctor_rules.source._secrets import has_value, key_list, secret_of

_MESSAGE = re.compile(r"failed to fetch (?P<asked>\S+) : (?P<code>401 Unauthorized|403 Forbidden)")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Name the rejected Secret, or report that no Secret is set."""
    for repository, match in failing_with(failures, _MESSAGE, "HelmRepository"):
        name = repository.text("spec.secretRef.name")
        secret = f"Secret/{repository.namespace}/{name}"
        url = repository.text("spec.url")
        if name:
            refused = f"{url} rejects {secret} with {match['code']}{_missing_keys(cluster, repository)}"
            remedy = f"set a valid username and password in {secret}."
        else:
            refused = f"{url} requires credentials ({match['code']}), but spec.secretRef is not set"
            remedy = "create a Secret with username and password, and set its name in spec.secretRef."
        facts = {"refused": refused, "remedy": remedy}
        yield Problem(repository.ref, facts, field="spec.secretRef", shared=refused, confidence=Confidence.REPORTED)


def _missing_keys(cluster: Cluster, repository: Resource) -> str:
    lookup = secret_of(cluster, repository)
    if not lookup or not lookup.resource:
        return ""
    missing = [key for key in ("username", "password") if not has_value(lookup.resource, key)]
    return f"; the Secret has no {' and '.join(missing)} ({key_list(lookup.resource)})" if missing else ""
