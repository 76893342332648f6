"""The URL of a GitRepository on Azure DevOps has not the form that the host understands."""

from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Problem

from ._git import host

_FORMS = {
    "dev.azure.com": ("/_git/", "https://dev.azure.com/ORGANISATION/PROJECT/_git/REPOSITORY"),
    "ssh.dev.azure.com": ("/v3/", "ssh://git@ssh.dev.azure.com/v3/ORGANISATION/PROJECT/REPOSITORY"),
}


def check(failures: Failures) -> Iterator[Problem]:
    """Look for the part of the path that marks a repository there, of one that cannot be fetched."""
    for failure in failures.failed:
        repository = failure.resource
        if repository.kind != "GitRepository" or not any(w.reason == "GitOperationFailed" for w in failure.words):
            continue
        url = repository.text("spec.url")
        mark, form = _FORMS.get(host(repository).partition(":")[0], ("", ""))
        if mark and mark not in url:
            facts = {"url": url, "form": form}
            yield Problem(repository.ref, facts, field="spec.url", confidence=Confidence.LIKELY)
