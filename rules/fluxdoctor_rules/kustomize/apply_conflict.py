"""Another field manager owns a field that a manifest sets."""

from collections.abc import Iterator

from fluxdoctor import Failures, Manifests, Problem
from fluxdoctor_rules.kustomize import _refusal


def check(failures: Failures, manifests: Manifests | None) -> Iterator[Problem]:
    """Read which object was refused and why, and find its line in git."""
    yield from _refusal.problems(failures, manifests, "conflict")
