"""A GitRepository on Azure DevOps whose URL does not have the form that the host requires."""

from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Problem
from fluxdoctor_rules.source._git import host

_FORMS = {
    "dev.azure.com": ("/_git/", "https://dev.azure.com/ORGANISATION/PROJECT/_git/REPOSITORY"),
    "ssh.dev.azure.com": ("/v3/", "ssh://git@ssh.dev.azure.com/v3/ORGANISATION/PROJECT/REPOSITORY"),
}


def check(failures: Failures) -> Iterator[Problem]:
    """Check that the URL of a failing repository has the path segment that Azure DevOps requires."""
    for failure in failures.failed:
        repository = failure.resource
        if repository.kind != "GitRepository" or not any(w.reason == "GitOperationFailed" for w in failure.words):
            continue
        url = repository.text("spec.url")
        segment, form = _FORMS.get(host(repository).partition(":")[0], ("", ""))
        if segment and segment not in url:
            facts = {"url": url, "form": form}
            yield Problem(repository.ref, facts, field="spec.url", confidence=Confidence.LIKELY)
