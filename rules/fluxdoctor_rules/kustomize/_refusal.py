"""Problems about manifests that the API server rejects: the object, the field, and their location in git."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Evidence, Failure, Failures, Manifests, Problem, Resource, nearest
from fluxdoctor_rules.kustomize import _apply_errors, _refusal_evidence

_OBJECT = re.compile(_apply_errors.OBJECT + r" (?:dry-run|apply) failed")
#: The API server's note that it skipped further validation; it follows the real error.
_NOISE = re.compile(r",? ?<nil>: Invalid value: \S+: some validation rules were not checked because[^\],]*")
_FIELD = re.compile(
    r"(?:\[|: |, )(?P<field>\.?[a-z][A-Za-z]*(?:\.[A-Za-z][\w-]*+|\[[^\[\]]*+\]){1,40}+|\.[a-z][A-Za-z]*|spec|metadata|data): "
)
_VALUE = re.compile(r'"[^"]*"')
_MANY = 8


def problems(cluster: Cluster, failures: Failures, manifests: Manifests | None, category: str) -> Iterator[Problem]:
    """Yield a problem for every failing object with a rejected manifest of this category; proven if facts show it."""
    for failure, match, proof in _apply_errors.refused(failures, category, _OBJECT):
        yield _problem(failure, match, proof, manifests, cluster)


def _problem(
    failure: Failure, match: re.Match[str], report: Evidence, manifests: Manifests | None, cluster: Cluster
) -> Problem:
    why = reason(match.string[match.end() :])
    field = _FIELD.search(f": {why}")
    declared = _apply_errors.in_git(manifests, match["object"], failure.ref)
    proof = _proof(why, field["field"] if field else "", match["object"], declared, cluster)
    return Problem(
        failure.ref,
        {"object": match["object"], "why": why},
        evidence=(*((proof,) if proof else ()), report, *_refusal_evidence.partly(failure.resource)),
        field=field["field"].lstrip(".") if field and declared else "spec.path",
        location=_apply_errors.place(declared, field["field"] if field else ""),
        confidence=Confidence.PROVEN if proof else Confidence.REPORTED,
    )


def _proof(why: str, field: str, name: str, declared: Resource | None, cluster: Cluster) -> Evidence | None:
    ref = _apply_errors.ref_of(name)
    live = cluster.get(ref)
    category = _apply_errors.sort(why)
    if category == "quota":
        return _refusal_evidence.quota(why, ref.namespace, cluster)
    if category == "conflict":
        return _refusal_evidence.manager(why, live)
    if declared is None or not field:
        return None
    return (
        _refusal_evidence.changed(field, declared, live)
        if category == "immutable"
        else _refusal_evidence.in_git(why, field, declared)
    )


def reason(text: str) -> str:
    """Return the error of the API server, without the name of the object, notes, and the list of applied objects."""
    text = _NOISE.sub("", text)
    text = re.sub(r"^[ ,:]*(?:\(\w+\)|reason: \w+)?[ ,:]*(?:error)?[ ,:]*", "", text)
    text = re.sub(r'^[\w.-]+ "[^"]+" is (?:invalid|forbidden): ', "", text)
    text = re.sub(r"^failed to create typed patch object \([^)]*\): ", "", text)
    text = re.sub(r"^failed to create manager for existing fields: .*? to smd typed: ", "", text)
    text = re.sub(r"(?: \S+/\S+ (?:created|configured|unchanged|deleted))+\s*$", "", text)
    text = re.sub(r"^\[(.*)\]\s*$", r"\1", text.strip())
    return _shorter(text.strip().rstrip("."))


def _shorter(text: str) -> str:
    """Shorten a long list of allowed values; the values similar to the rejected one come first."""
    head, marker, rest = text.partition("supported values: ")
    values = _VALUE.findall(rest)
    if marker and len(values) > _MANY:
        rejected = _VALUE.search(head.rpartition("Unsupported value")[2])
        similar = nearest(rejected[0], values) if rejected else ()
        first = [*similar, *(v for v in values if v not in similar)][:_MANY]
        return f"{head}{marker}{', '.join(first)} and {len(values) - _MANY} more"
    return text
