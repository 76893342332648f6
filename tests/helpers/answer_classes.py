"""Which test makes a real server give which class of answer, and the rule of the finding it lands in: docs/answers.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxdoctor.model.probes import Answer

_GIT, _SSH, _ALL = (
    "tests/unit/collect/git/test_git_findings.py",
    "tests/e2e/test_git_ssh.py",
    "tests/unit/collect/test_answers.py",
)
_PROOF = "test_answers_become_proof"
_HTTP, _TLS, _SSHD = "git http-backend", "git http-backend behind TLS of a private authority", "OpenSSH's sshd"
_SILENT, _CLOSED, _NAME = (
    "a socket that accepts and sends nothing",
    "a closed port",
    "the resolver, for a name below .invalid",
)
_NONE = "test_a_host_that_gives_no_answer"


@dataclass(frozen=True)
class Row:
    """A class of answer of a kind of source. ``rule``: of the finding; "" where there is none of its own."""

    kind: str
    answer: Answer
    server: str
    test: str
    rule: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """The file and the name of the test."""
        file, _, name = self.test.partition("::")
        return file, name


def _git() -> Iterator[Row]:
    kind, here = "GitRepository", f"{_GIT}::{_PROOF}"
    yield Row(kind, Answer.DNS, _NAME, here, "source/host-not-resolved")
    yield Row(kind, Answer.REFUSED, _CLOSED, here, "source/connection-refused")
    yield Row(kind, Answer.TIMEOUT, "git http-backend that answers after the deadline", here, "source/timeout")
    yield Row(kind, Answer.TLS_UNKNOWN_CA, _TLS, here, "source/tls-unknown-authority")
    yield Row(kind, Answer.TLS_EXPIRED, _TLS, here, "source/tls-certificate-expired")
    yield Row(kind, Answer.TLS_WRONG_NAME, _TLS, here, "source/tls-wrong-host")
    yield Row(kind, Answer.TLS, f"{_TLS} that requires a client certificate", here, "source/tls-handshake-failed")
    yield Row(kind, Answer.HOST_KEY_ABSENT, _SSHD, f"{_SSH}::{_PROOF}", "source/known-hosts-lacks-host")
    yield Row(kind, Answer.HOST_KEY_MISMATCH, _SSHD, f"{_SSH}::{_PROOF}", "source/host-key-changed")
    yield Row(kind, Answer.AUTHENTICATION, _HTTP, here, "source/git-authentication-failed")
    yield Row(kind, Answer.AUTHENTICATION, _SSHD, f"{_SSH}::{_PROOF}", "source/git-authentication-failed")
    yield Row(kind, Answer.NOT_FOUND, _HTTP, here, "source/git-repository-not-found")
    yield Row(kind, Answer.EMPTY, _HTTP, here, "source/repository-empty")
    yield Row(kind, Answer.MALFORMED, "a web page in place of git http-backend", here, "source/not-a-git-server")
    yield Row(kind, Answer.RATE_LIMITED, "status 429 in place of git http-backend", here, "source/rate-limited")
    yield Row(kind, Answer.SERVER_ERROR, "status 503 in place of git http-backend", here, "source/server-error")
    yield Row(kind, Answer.PROXY, _CLOSED, here, "source/proxy-unreachable")
    yield Row(kind, Answer.OK, _HTTP, f"{_GIT}::test_a_host_that_serves_us_points_at_the_controller")
    yield Row(kind, Answer.OK, _SSHD, f"{_SSH}::test_ssh_answers")


def _no_answer(kind: str, host: str) -> Iterator[Row]:
    here = f"{_ALL}::{_NONE}"
    yield Row(kind, Answer.DNS, _NAME, here, "source/host-not-resolved")
    yield Row(kind, Answer.REFUSED, _CLOSED, here, "source/connection-refused")
    yield Row(kind, Answer.TIMEOUT, _SILENT, here, "source/timeout")
    yield Row(kind, Answer.TLS_UNKNOWN_CA, f"{host} over TLS", here, "source/tls-unknown-authority")
    yield Row(kind, Answer.TLS_EXPIRED, f"{host} over TLS", here, "source/tls-certificate-expired")
    yield Row(kind, Answer.TLS_WRONG_NAME, f"{host} over TLS", here, "source/tls-wrong-host")
    yield Row(kind, Answer.OK, f"{host} over TLS", f"{_ALL}::test_a_server_that_serves_us_is_no_proof_against_it")


def _helm() -> Iterator[Row]:
    kind, host, here = "HelmRepository", "a Helm repository over HTTP", f"{_ALL}::test_a_helm_repository"
    yield from _no_answer(kind, host)
    yield Row(kind, Answer.AUTHENTICATION, host, here, "source/helm-index-authentication-failed")
    yield Row(kind, Answer.NOT_FOUND, host, here, "source/helm-index-not-found")
    yield Row(kind, Answer.MALFORMED, "a web page in place of an index", here, "source/helm-index-malformed")
    yield Row(kind, Answer.RATE_LIMITED, host, here, "source/rate-limited")
    yield Row(kind, Answer.SERVER_ERROR, host, here, "source/server-error")


def _oci() -> Iterator[Row]:
    kind, host, here = (
        "OCIRepository",
        "a server that speaks the registry's protocol",
        f"{_ALL}::test_an_oci_repository",
    )
    yield from _no_answer(kind, host)
    real, e2e = "Debian's docker-registry", "tests/e2e/test_oci_registry.py"
    yield Row(kind, Answer.AUTHENTICATION, host, here, "oci/unauthorized")
    yield Row(kind, Answer.AUTHENTICATION, real, f"{e2e}::test_logins_are_found_in_the_docker_config")
    yield Row(kind, Answer.NOT_FOUND, host, here, "oci/repository-not-found")
    yield Row(kind, Answer.NOT_FOUND, host, here, "oci/tag-not-found")
    yield Row(kind, Answer.NOT_FOUND, host, here, "oci/digest-not-found")
    yield Row(kind, Answer.NOT_FOUND, real, f"{e2e}::test_a_digest_wins_and_what_is_not_there_is_told_apart")
    yield Row(kind, Answer.RATE_LIMITED, host, here, "source/rate-limited")
    yield Row(kind, Answer.SERVER_ERROR, host, here, "source/server-error")
    yield Row(
        kind, Answer.TLS, "a registry over plain HTTP", f"{_ALL}::test_a_registry_that_speaks_http", "oci/http-registry"
    )
    yield Row(kind, Answer.OK, real, f"{e2e}::test_tags_and_the_manifest_of_the_tag")


def _bucket() -> Iterator[Row]:
    kind, host, here = "Bucket", "a server that answers as S3 does", f"{_ALL}::test_a_bucket"
    yield from _no_answer(kind, host)
    real, there = "moto, which checks signatures with botocore", "tests/unit/collect/sources/test_bucket.py"
    yield Row(kind, Answer.AUTHENTICATION, host, here, "source/bucket-access-denied")
    yield Row(kind, Answer.AUTHENTICATION, real, f"{there}::test_keys_that_are_wrong_and_buckets_that_are_not_there")
    yield Row(kind, Answer.NOT_FOUND, host, here, "source/bucket-not-found")
    yield Row(kind, Answer.NOT_FOUND, real, f"{there}::test_keys_that_are_wrong_and_buckets_that_are_not_there")
    yield Row(kind, Answer.OK, real, f"{there}::test_a_bucket_is_listed_with_a_signature_that_holds")


ROWS = (*_git(), *_helm(), *_oci(), *_bucket())
_HOST = (Answer.DNS, Answer.REFUSED, Answer.TIMEOUT, Answer.TLS_UNKNOWN_CA, Answer.TLS_EXPIRED, Answer.TLS_WRONG_NAME)
_SERVER = (Answer.AUTHENTICATION, Answer.NOT_FOUND, Answer.OK)
#: What each kind can answer, and must be shown to land in the right finding.
REQUIRED: dict[str, tuple[Answer, ...]] = {
    "GitRepository": (*_HOST, *_SERVER, Answer.HOST_KEY_ABSENT, Answer.HOST_KEY_MISMATCH, Answer.EMPTY),
    "HelmRepository": (*_HOST, *_SERVER),
    "OCIRepository": (*_HOST, *_SERVER),
    "Bucket": (*_HOST, *_SERVER),
}
_HEAD = """# How sources answer

This page lists every class of answer that a host can give. For each answer it names the server that
gives it in a test, and the rule of the finding in which the answer proves what the controller says.

If no rule is named, the answer alone makes no finding. A source that answers from here but fails in
the cluster keeps its finding as *reported*, not *proven*.

`python -m tests.helpers.answer_classes` writes this page.

| source | answer | given by | test | finding |
|---|---|---|---|---|
"""


def page() -> str:
    """Return docs/answers.md."""
    rows = (
        f"| {row.kind} | `{row.answer.value}` | {row.server} | `{row.place[0]}` `{row.place[1]}` | "
        f"{f'`{row.rule}`' if row.rule else ''} |\n"
        for row in ROWS
    )
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    from pathlib import Path

    (Path(__file__).parents[2] / "docs" / "answers.md").write_text(page(), "utf-8")
