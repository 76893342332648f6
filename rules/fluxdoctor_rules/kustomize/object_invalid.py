"""The API server finds a manifest invalid, or would."""

import re
from collections.abc import Iterator
from dataclasses import replace

from fluxdoctor import Cluster, Failures, Manifests, Problem, Ref, Schemas
from fluxdoctor_rules.kustomize import _refusal, _said

_NEWER = re.compile(r"typed patch object \([^;)]*; \S+\.fluxcd\.io/[^)]*\): .*field not declared in schema")
_STORED = re.compile(r"[\w-]+\.[\w.]*fluxcd\.io\b.*?status\.storedVersions\[")


def check(
    cluster: Cluster, failures: Failures, manifests: Manifests | None, schemas: Schemas | None
) -> Iterator[Problem]:
    """Read which object was refused and why, and find its line in git; before a deploy, ask the schemas.

    Flux's CRDs are applied together or not at all: where an upgrade of one is refused, the fields that are new in all of
    them are unknown to the API server, and what uses them waits for that upgrade.
    """
    outdated = [failure.ref for failure, *_ in _said.refused(failures, "stored", _STORED)]
    for problem in _refusal.problems(cluster, failures, manifests, "invalid"):
        waits = any(_NEWER.search(proof.what) for proof in problem.evidence) and problem.subject not in outdated
        yield replace(problem, because=tuple(outdated)) if waits else problem
    if schemas:
        yield from _refused(cluster, schemas)


def _refused(cluster: Cluster, schemas: Schemas) -> Iterator[Problem]:
    """The first of an owner's has the identity that a live cluster's finding has: the API server names no more than one."""
    told: set[Ref] = set()
    for flaw in schemas.flaws:
        declared = cluster.get(flaw.object)
        yield Problem(
            flaw.owner,
            {"object": str(flaw.object), "why": flaw.why},
            field=".".join(map(str, flaw.path)),
            location=declared.at(flaw.path) if declared else None,
            key=f"{flaw.object} {'.'.join(map(str, flaw.path))}" if flaw.owner in told else "",
        )
        told.add(flaw.owner)
