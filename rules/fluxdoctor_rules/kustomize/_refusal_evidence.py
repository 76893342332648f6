"""Evidence from git and the cluster for an error of the API server: it makes the error proven, not only reported."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Ref, Resource
from fluxdoctor_rules.kustomize import _apply_errors

_VALUE = re.compile(r'(?:Unsupported|Invalid) value: "?(?P<value>[^":]+)"?')
_TYPE = re.compile(r"expected (?P<type>string|numeric|boolean|map|list)[^,]{0,200}, got (?P<got>\w+|&\S+)")
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "numeric": (int, float),
    "boolean": (bool,),
    "map": (dict,),
    "list": (list, tuple),
}
_LONGEST = 80
_QUOTA = re.compile(r"exceeded quota: (?P<quota>[^,]{1,253}), requested: (?P<requested>[^;]{1,500}?), used: ")
_MANAGER = re.compile(r'conflicts? with "(?P<manager>[^"]+)"')


def in_git(why: str, field: str, declared: Resource) -> Evidence | None:
    """Compare the error with the declaration: the value or type in the error, or a field that is missing or unknown."""
    path = _apply_errors.steps(field)
    # A list key that is not an index ends the steps, so the fields below it are not in the path.
    if not path or re.search(r"\[\d*+[^\[\]\d][^\[\]]*+\]", field):
        return None
    where = str(declared.at(path) or declared.file)
    value, is_set = declared.get(path), declared.has(path)
    if "Required value" in why and not is_set:
        return Evidence.file(f"{field.lstrip('.')} is not set", str(declared.at(path[:-1]) or declared.file))
    if "field not declared in schema" in why and is_set:
        return Evidence.field(f"{field.lstrip('.')} is set", where)
    type_error, value_error = _TYPE.search(why), _VALUE.search(why)
    is_wrong_type = type_error and is_set and not _is(value, type_error["type"])
    is_variable = isinstance(value, str) and "${" in value
    is_scalar = not isinstance(value, dict | list)
    is_wrong_value = value_error and is_scalar and str(value) == value_error["value"].strip()
    if is_wrong_type or (type_error and is_variable) or is_wrong_value:
        # The values of a Secret must not be in a report; the error of the API server quotes no more than it needs.
        what = "has this value" if declared.kind == "Secret" else f"is {str(value)[:_LONGEST]!r}"
        return Evidence.field(f"{field.lstrip('.')} {what}", where)
    return None


def _is(value: object, schema_type: str) -> bool:
    if schema_type == "numeric" and isinstance(value, bool):
        return False
    return isinstance(value, _KINDS[schema_type])


def changed(field: str, declared: Resource, live: Resource | None) -> Evidence | None:
    """Return evidence if a field has different values in git and in the cluster."""
    path = _apply_errors.steps(field)
    if live is None or not path or not declared.has(path) or not live.has(path):
        return None
    git_value, live_value = declared.get(path), live.get(path)
    # The API server adds defaults to a mapping, so only the keys that git sets are compared.
    differs = (
        any(live_value.get(k) != v for k, v in git_value.items())
        if isinstance(git_value, dict) and isinstance(live_value, dict)
        else git_value != live_value
    )
    return Evidence.field(f"{'.'.join(map(str, path))} is different in the cluster", str(live.ref)) if differs else None


def quota(why: str, namespace: str, cluster: Cluster) -> Evidence | None:
    """Return the current use of the quota that an error names."""
    match = _QUOTA.search(why)
    resource_quota = cluster.get(Ref("ResourceQuota", namespace, match["quota"].strip())) if match else None
    if resource_quota is None or match is None:
        return None
    parts = [p.partition("=")[0].strip() for p in match["requested"].split(",")]
    usage = [
        f"{part} {resource_quota.text(('status', 'used', part))} of {resource_quota.text(('status', 'hard', part))}"
        for part in parts
        if resource_quota.has(("status", "hard", part))
    ]
    return Evidence.field(f"uses {', '.join(usage)}", f"{resource_quota.ref} status") if usage else None


def manager(why: str, live: Resource | None) -> Evidence | None:
    """Return evidence if the manager in a conflict is in the managedFields of the object."""
    match = _MANAGER.search(why)
    managers = live.rows("metadata.managedFields") if live and match else ()
    if live and match and any(row.text("manager") == match["manager"] for row in managers):
        return Evidence.field(f"{match['manager']} is a manager of the object", f"{live.ref} metadata.managedFields")
    return None


def partly(resource: Resource) -> Iterator[Evidence]:
    """Yield evidence that the object blocks a whole revision: an apply stops before it changes any other object."""
    attempted, applied = resource.text("status.lastAttemptedRevision"), resource.text("status.lastAppliedRevision")
    if attempted and applied and attempted != applied:
        what = f"the whole revision {_short(attempted)} is not applied; the last applied is {_short(applied)}"
        yield Evidence.field(what, f"{resource.ref} status")


def _short(revision: str) -> str:
    head, colon, digest = revision.rpartition(":")
    return f"{head}{colon}{digest[:8]}"
