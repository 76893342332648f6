"""A GitRepository manifest whose spec.url has the short form of git (scp style) and is not a URL."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Manifests, Problem, Ref

_MESSAGE = re.compile(
    r"GitRepository/(?P<object>[^\s/]++(?:/[^\s/]++)?) dry-run failed"
    r'.{0,1000}?spec\.url: Invalid value: "(?P<asked>[^"]*+)": .{0,500}?should match',
    re.S,
)
_SCP = re.compile(r"(?P<user>[\w.-]+@)?(?P<host>[\w.-]+):(?!//)(?P<path>.+)")


def check(failures: Failures, manifests: Manifests | None) -> Iterator[Problem]:
    """Find the manifest that the API server rejects, and convert its address to a URL."""
    for failure in failures.failed:
        if failure.resource.kind != "Kustomization" or not (match := _MESSAGE.search(failure.message)):
            continue
        namespace, _, name = match["object"].rpartition("/")
        declared = manifests.definition(Ref("GitRepository", namespace, name), failure.ref) if manifests else None
        scp = _SCP.fullmatch(match["asked"])
        facts = {
            "object": f"GitRepository/{match['object']}",
            "asked": match["asked"],
            "instead": f"ssh://{scp['user'] or 'git@'}{scp['host']}/{scp['path'].lstrip('/')}"
            if scp
            else "ssh://git@host/path.git",
        }
        location = declared.at("spec.url") if declared else None
        field = "spec.url" if location else "spec.path"
        yield Problem(failure.ref, facts, field=field, location=location, confidence=Confidence.REPORTED)
