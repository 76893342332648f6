"""What the rules about refused manifests have in common: the object, the fields, and where they stand in git."""

import difflib
import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Evidence, Failure, Failures, Manifests, Problem, Resource
from fluxdoctor_rules.kustomize import _said, _shown

_NAMED = re.compile(_said.OBJECT + r" (?:dry-run|apply) failed")
#: The API server's own note that it stopped early: it stands behind the real error.
_NOISE = re.compile(r",? ?<nil>: Invalid value: \S+: some validation rules were not checked because[^\],]*")
_FIELD = re.compile(
    r"(?:\[|: |, )(?P<field>\.?[a-z][A-Za-z]*(?:\.[A-Za-z][\w-]*|\[[^\]]*\])+|\.[a-z][A-Za-z]*|spec|metadata|data): "
)
_OFFERED = re.compile(r'"[^"]*"')
_MANY = 8


def problems(cluster: Cluster, failures: Failures, manifests: Manifests | None, wanted: str) -> Iterator[Problem]:
    """Yield a problem for every failing object whose manifests were refused in one way; proven where facts show it."""
    for failure, found, proof in _said.refused(failures, wanted, _NAMED):
        yield _problem(failure, found, proof, manifests, cluster)


def _problem(
    failure: Failure, found: re.Match[str], said: Evidence, manifests: Manifests | None, cluster: Cluster
) -> Problem:
    why = reason(found.string[found.end() :])
    field = _FIELD.search(f": {why}")
    declared = _said.in_git(manifests, found["object"], failure.ref)
    proof = _proof(why, field["field"] if field else "", found["object"], declared, cluster)
    return Problem(
        failure.ref,
        {"object": found["object"], "why": why},
        evidence=(*((proof,) if proof else ()), said, *_shown.partly(failure.resource)),
        field=field["field"].lstrip(".") if field and declared else "spec.path",
        location=_said.place(declared, field["field"] if field else ""),
        confidence=Confidence.PROVEN if proof else Confidence.REPORTED,
    )


def _proof(why: str, field: str, name: str, declared: Resource | None, cluster: Cluster) -> Evidence | None:
    ref = _said.ref_of(name)
    live = cluster.get(ref)
    sort = _said.sort(why)
    if sort == "quota":
        return _shown.quota(why, ref.namespace, cluster)
    if sort == "conflict":
        return _shown.manager(why, live)
    if declared is None or not field:
        return None
    return _shown.changed(field, declared, live) if sort == "immutable" else _shown.in_git(why, field, declared)


def reason(text: str) -> str:
    """Return what the API server objects to, without the object's name, its notes and what was applied besides."""
    text = _NOISE.sub("", text)
    text = re.sub(r"^[ ,:]*(?:\(\w+\)|reason: \w+)?[ ,:]*(?:error)?[ ,:]*", "", text)
    text = re.sub(r'^[\w.-]+ "[^"]+" is (?:invalid|forbidden): ', "", text)
    text = re.sub(r"^failed to create typed patch object \([^)]*\): ", "", text)
    text = re.sub(r"^failed to create manager for existing fields: .*? to smd typed: ", "", text)
    text = re.sub(r"(?: \S+/\S+ (?:created|configured|unchanged|deleted))+\s*$", "", text)
    text = re.sub(r"^\[(.*)\]\s*$", r"\1", text.strip())
    return _shorter(text.strip().rstrip("."))


def _shorter(text: str) -> str:
    """Cut a long list of allowed values."""
    head, marker, rest = text.partition("supported values: ")
    values = _OFFERED.findall(rest)
    if marker and len(values) > _MANY:
        wanted = _OFFERED.search(head.rpartition("Unsupported value")[2])
        return (
            f"{head}{marker}{', '.join(_nearest(wanted[0] if wanted else '', values))} and {len(values) - _MANY} more"
        )
    return text


def _nearest(wanted: str, values: list[str]) -> list[str]:
    near = difflib.get_close_matches(wanted, values, 3, 0.5)
    return [*near, *(v for v in values if v not in near)][:_MANY]
