"""The error messages of the controllers that apply manifests: their category, and the object in git that they name."""

import re
from collections.abc import Iterator

from fluxdoctor import Evidence, Failure, Failures, Location, Manifests, Ref, Resource

APPLIERS = ("FluxInstance", "Kustomization", "ResourceSet")
#: An object as the controllers print it: Kind/namespace/name, or Kind/name if it is cluster-scoped.
OBJECT = r"(?<![A-Za-z0-9])(?P<object>[A-Z][A-Za-z0-9]*+(?:/[a-z0-9][a-z0-9.-]*+)?/[A-Za-z0-9][^\s/\[\],']*+)"
#: Before Flux 2.1 the reason followed a comma: dry-run failed, reason: Invalid, error: ...
DRY_RUN = OBJECT + r" (?:dry-run|apply) failed(?:,? ?\(?(?:reason: )?(?P<reason>\w+)\)?)?(?:,? error)?[:,]? "

#: The categories of errors, the most specific first: a policy and an immutable field also return "Invalid".
_SORTS = (
    ("api", re.compile(r'no matches for kind "[^"]+" in version "')),
    ("stored", re.compile(r"status\.storedVersions\[|request to convert CR to an invalid group/version")),
    ("webhook", re.compile(r"failed calling webhook|does not support dry run")),
    (
        "denied",
        re.compile(
            r"admission webhook .{1,300}? denied the request|ValidatingAdmissionPolicy|violates PodSecurity", re.S
        ),
    ),
    ("quota", re.compile(r"exceeded quota: |maximum \w+ usage per ")),
    ("forbidden", re.compile(r'User "[^"]+" cannot ')),
    (
        "immutable",
        re.compile(
            r"field is immutable|immutable field|updates to statefulset spec for fields other than|cannot change roleRef|"
            r"spec is immutable|may not change once set|is immutable after creation"
        ),
    ),
    ("conflict", re.compile(r"FieldManagerConflict|Apply failed with \d+ conflict")),
    (
        "invalid",
        re.compile(
            r"\(Invalid\)|reason: Invalid|is invalid: |typed patch object|to smd typed|\(BadRequest\)|reason: BadRequest"
        ),
    ),
)

_LIST = re.compile(r"\A(?>.*?(?:timeout waiting for|failed early due to stalled resources): \[)(?P<list>.*)\]", re.S)
_ITEM = re.compile(OBJECT + r" status: '(?P<status>\w+)'")


def sort(message: str) -> str:
    """Return the category of an error message, or "" if it has none."""
    return next((name for name, pattern in _SORTS if pattern.search(message)), "")


def refused(
    failures: Failures, category: str, pattern: re.Pattern[str]
) -> Iterator[tuple[Failure, re.Match[str], Evidence]]:
    """Yield the failing objects with an error of this category, the match of the pattern, and the error as evidence."""
    for failure in failures.failed:
        if failure.resource.kind not in APPLIERS:
            continue
        for words in failure.words:
            text = " ".join(words.message.split())
            if sort(text) == category and (match := pattern.search(text)):
                yield failure, match, Evidence(words.kind, f'{words.reason}: "{text}"', f"{failure.ref} {words.where}")
                break


def ref_of(text: str) -> Ref:
    """Parse Kind/namespace/name or Kind/name."""
    kind, _, rest = text.partition("/")
    namespace, slash, name = rest.partition("/")
    return Ref(kind, namespace, name) if slash else Ref(kind, "", namespace)


def in_git(manifests: Manifests | None, text: str, owner: Ref) -> Resource | None:
    """Return the declaration in git of an object that an error message names."""
    return manifests.definition(ref_of(text), owner) if manifests else None


def steps(field: str) -> tuple[str | int, ...]:
    """Parse a field path of the API server, ``.spec.containers[0].image``, up to a list key that is not an index."""
    path: list[str | int] = []
    for name, index in re.findall(r"([^.\[\]]+)|\[([^\[\]]*+)\]", field.strip().lstrip(".")):
        if name:
            path.append(name)
        elif index.isdecimal():
            path.append(int(index))
        else:
            break
    return tuple(path)


def place(declared: Resource | None, field: str) -> Location | None:
    """Return the location in git of a field of a declaration, or of its closest parent field that exists."""
    return declared.at(steps(field)) if declared else None


def waited(message: str) -> list[re.Match[str]]:
    """Return the objects that a health check waited for (object, status), except those that do not exist."""
    items = _LIST.search(message)
    return [m for m in _ITEM.finditer(items["list"]) if m["status"] != "NotFound"] if items else []


def unready(failure: Failure) -> tuple[Ref, ...]:
    """Return the objects that did not become ready in the health check of a failing object."""
    if failure.resource.kind not in APPLIERS:
        return ()
    return tuple(dict.fromkeys(ref_of(m["object"]) for words in failure.words for m in waited(words.message)))
