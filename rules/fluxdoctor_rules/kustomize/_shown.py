"""Whether the facts show what the API server objects to: then a refusal is proven, not only reported."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Ref, Resource
from fluxdoctor_rules.kustomize import _said

_VALUE = re.compile(r'(?:Unsupported|Invalid) value: "?(?P<value>[^":]+)"?')
_TYPE = re.compile(r"expected (?P<wanted>string|numeric|boolean|map|list)[^,]*, got (?P<got>\w+|&\S+)")
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "numeric": (int, float),
    "boolean": (bool,),
    "map": (dict,),
    "list": (list, tuple),
}
_LONGEST = 80
_QUOTA = re.compile(r"exceeded quota: (?P<quota>[^,]+), requested: (?P<requested>[^;]+?), used: ")
_MANAGER = re.compile(r'conflicts? with "(?P<manager>[^"]+)"')


def in_git(why: str, field: str, declared: Resource) -> Evidence | None:
    """Compare the objection with the declaration: a value or type as quoted, a field that is missing or unknown."""
    path = _said.steps(field)
    # A list key that is no index ends the steps: what stands below it was not found.
    if not path or re.search(r"\[[^\]]*[^\]\d][^\]]*\]", field):
        return None
    where = str(declared.at(path) or declared.file)
    value, shown = declared.get(path), declared.has(path)
    if "Required value" in why and not shown:
        return Evidence(f"{field.lstrip('.')} is not set", str(declared.at(path[:-1]) or declared.file))
    if "field not declared in schema" in why and shown:
        return Evidence(f"{field.lstrip('.')} is set", where)
    typed, quoted = _TYPE.search(why), _VALUE.search(why)
    wrong_type = typed and shown and not _is(value, typed["wanted"])
    variable = isinstance(value, str) and "${" in value
    same = quoted and not isinstance(value, dict | list) and str(value) == quoted["value"].strip()
    if wrong_type or (typed and variable) or same:
        # A Secret's values are not for a report; the API server quotes what it has to.
        what = "has that value" if declared.kind == "Secret" else f"is {str(value)[:_LONGEST]!r}"
        return Evidence(f"{field.lstrip('.')} {what}", where)
    return None


def _is(value: object, wanted: str) -> bool:
    if wanted == "numeric" and isinstance(value, bool):
        return False
    return isinstance(value, _KINDS[wanted])


def changed(field: str, declared: Resource, live: Resource | None) -> Evidence | None:
    """Tell a field that git has otherwise than the cluster."""
    path = _said.steps(field)
    if live is None or not path or not declared.has(path) or not live.has(path):
        return None
    wanted, have = declared.get(path), live.get(path)
    # Defaults are filled in: a mapping differs where a key that git sets does.
    differs = (
        any(have.get(k) != v for k, v in wanted.items())
        if isinstance(wanted, dict) and isinstance(have, dict)
        else wanted != have
    )
    return Evidence(f"{'.'.join(map(str, path))} is another in the cluster", str(live.ref)) if differs else None


def quota(why: str, namespace: str, cluster: Cluster) -> Evidence | None:
    """Find the quota that a message names, and what it has left."""
    found = _QUOTA.search(why)
    held = cluster.get(Ref("ResourceQuota", namespace, found["quota"].strip())) if found else None
    if held is None or found is None:
        return None
    parts = [p.partition("=")[0].strip() for p in found["requested"].split(",")]
    used = [
        f"{part} {held.text(('status', 'used', part))} of {held.text(('status', 'hard', part))}"
        for part in parts
        if held.has(("status", "hard", part))
    ]
    return Evidence(f"uses {', '.join(used)}", f"{held.ref} status") if used else None


def manager(why: str, live: Resource | None) -> Evidence | None:
    """Find the manager that a conflict names among those that wrote the object."""
    found = _MANAGER.search(why)
    writers = live.rows("metadata.managedFields") if live and found else ()
    if live and found and any(row.text("manager") == found["manager"] for row in writers):
        return Evidence(f"{found['manager']} wrote it", f"{live.ref} metadata.managedFields")
    return None


def partly(resource: Resource) -> Iterator[Evidence]:
    """Tell that a revision is held up as a whole by the one object: an apply stops before it changes anything else."""
    tried, applied = resource.text("status.lastAttemptedRevision"), resource.text("status.lastAppliedRevision")
    if tried and applied and tried != applied:
        yield Evidence(f"all of {_short(tried)} is held up; applied is {_short(applied)}", f"{resource.ref} status")


def _short(revision: str) -> str:
    head, colon, digest = revision.rpartition(":")
    return f"{head}{colon}{digest[:8]}"
