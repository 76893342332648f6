"""An image policy has no ordering, or a semver range that is invalid or that no version can satisfy."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Resource, State, semver, state

_CHOICES = ("semver", "alphabetical", "numerical")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Validate spec.policy as image-reflector-controller 1.2 does, of policies that are not Ready."""
    for policy in cluster.active("ImagePolicy"):
        if state(policy) is State.READY:
            continue
        why = _flaw(policy)
        if why:
            field = "spec.policy.semver.range" if policy.has("spec.policy.semver.range") else "spec.policy"
            yield Problem(policy.ref, {"why": why}, field=field)


def _flaw(policy: Resource) -> str:
    if not any(policy.has(f"spec.policy.{choice}") for choice in _CHOICES):
        # The API server rejects an object without the whole field.
        is_empty = isinstance(policy.get("spec.policy"), dict)
        return "spec.policy sets none of semver, alphabetical and numerical" if is_empty else ""
    text = policy.text("spec.policy.semver.range")
    if not text or "${" in text:
        return ""
    try:
        return f"no version can satisfy the range {text}" if semver.is_empty(text) else ""
    except semver.InvalidConstraint:
        return f"improper constraint: {text}"
