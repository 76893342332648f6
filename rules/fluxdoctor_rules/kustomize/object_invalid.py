"""The API server finds a manifest invalid, or would."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Manifests, Problem, Ref, Schemas
from fluxdoctor_rules.kustomize import _refusal


def check(
    cluster: Cluster, failures: Failures, manifests: Manifests | None, schemas: Schemas | None
) -> Iterator[Problem]:
    """Read which object was refused and why, and find its line in git; before a deploy, ask the schemas."""
    yield from _refusal.problems(cluster, failures, manifests, "invalid")
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
