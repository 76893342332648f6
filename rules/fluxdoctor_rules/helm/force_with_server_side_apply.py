"""A HelmRelease asks for replacement and for server-side apply, which exclude each other."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Severity, Versions
from fluxdoctor_rules.helm._releases import active

_NUMBERS = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_FIRST, _MENDED = (1, 5, 0), (1, 5, 4)


def check(cluster: Cluster, versions: Versions) -> Iterator[Problem]:
    """Read what the spec asks for; of ``auto``, the default, only the release's own record says what it means.

    helm-controller 1.5.0 to 1.5.3 hand both to Helm 4, which refuses; from 1.5.4 on force is left out (internal/action,
    upgrade.go and rollback.go). Before 1.5 there was no server-side apply.
    """
    found = _NUMBERS.match(versions.found.get("helm-controller", ""))
    version = tuple(map(int, found.groups())) if found else None
    if version is not None and version < _FIRST:
        return
    refused = version is not None and version < _MENDED
    how = f": helm-controller {found[0].removeprefix('v')} fails" if found and refused else ", and has no effect"
    for release in active(cluster):
        for action in ("upgrade", "rollback"):
            spec = release.fields(f"spec.{action}")
            if spec.flag("force") and spec.text("serverSideApply") == "enabled":
                yield Problem(
                    release.ref,
                    {"action": action, "how": how},
                    evidence=(
                        Evidence(f"spec.{action} has force: true and serverSideApply: enabled", str(release.ref)),
                    ),
                    field=f"spec.{action}.force",
                    key="" if action == "upgrade" else action,
                    severity=None if refused else Severity.INFO,
                )
