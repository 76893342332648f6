"""The API server rejects a manifest as invalid, or would reject it."""

import re
from collections.abc import Iterator
from dataclasses import replace

from fluxdoctor import Cluster, Failures, Manifests, Problem, Ref, Schemas
from fluxdoctor_rules.kustomize import _apply_errors, _refusal

_NEWER = re.compile(
    r"typed patch object \([^;()]*+; [^\s()]+\.fluxcd\.io/[^()]*+\): .{0,2000}?field not declared in schema"
)
_STORED = re.compile(r"[\w-]\.fluxcd\.io\b.{0,1000}?status\.storedVersions\[")


def check(
    cluster: Cluster, failures: Failures, manifests: Manifests | None, schemas: Schemas | None
) -> Iterator[Problem]:
    """Report the rejected object and the error, with the line in git; before a deploy, check against the schemas.

    The CRDs of Flux are applied together or not at all. If the upgrade of one is rejected, the API server does not know
    the new fields of any of them, and the objects that use these fields wait for the upgrade.
    """
    outdated = [failure.ref for failure, *_ in _apply_errors.refused(failures, "stored", _STORED)]
    for problem in _refusal.problems(cluster, failures, manifests, "invalid"):
        failure = failures.of(problem.subject)
        messages = [words.message for words in failure.words] if failure else []
        waits = any(map(_NEWER.search, messages)) and problem.subject not in outdated
        yield replace(problem, because=tuple(outdated)) if waits else problem
    if schemas:
        yield from _schema_errors(cluster, schemas)


def _schema_errors(cluster: Cluster, schemas: Schemas) -> Iterator[Problem]:
    """Report schema errors; the first of an owner has the key of a live finding, because the API server reports only one."""
    reported: set[Ref] = set()
    for flaw in schemas.flaws:
        declared = cluster.get(flaw.object)
        yield Problem(
            flaw.owner,
            {"object": str(flaw.object), "why": flaw.why},
            field=".".join(map(str, flaw.path)),
            location=declared.at(flaw.path) if declared else None,
            key=f"{flaw.object} {'.'.join(map(str, flaw.path))}" if flaw.owner in reported else "",
        )
        reported.add(flaw.owner)
