"""A policy without a choice, or with a range of versions that cannot be read or that no version can be in."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Resource, State, semver, state

_CHOICES = ("semver", "alphabetical", "numerical")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read spec.policy as image-reflector-controller 1.2 does; one that has found its image is none of this rule's business."""
    for policy in cluster.all("ImagePolicy"):
        if state(policy) in (State.READY, State.SUSPENDED):
            continue
        why = _flaw(policy)
        if why:
            field = "spec.policy.semver.range" if policy.has("spec.policy.semver.range") else "spec.policy"
            yield Problem(policy.ref, {"why": why}, field=field)


def _flaw(policy: Resource) -> str:
    if not any(policy.has(f"spec.policy.{choice}") for choice in _CHOICES):
        # Without the whole field the API server refuses it: another rule's matter.
        is_empty = isinstance(policy.get("spec.policy"), dict)
        return "it says none of semver, alphabetical and numerical" if is_empty else ""
    text = policy.text("spec.policy.semver.range")
    if not text or "${" in text:
        return ""
    try:
        return f"no version can be in the range {text}" if semver.is_empty(text) else ""
    except semver.InvalidConstraint:
        return f"improper constraint: {text}"
