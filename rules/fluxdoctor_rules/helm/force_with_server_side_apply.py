"""A HelmRelease requests both forced replacement and server-side apply, which exclude each other."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Severity, Versions

_NUMBERS = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_FIRST, _IGNORES_FORCE = (1, 5, 0), (1, 5, 4)


def check(cluster: Cluster, versions: Versions) -> Iterator[Problem]:
    """Read the spec; only Helm's record of the release says what ``auto``, the default, means.

    helm-controller 1.5.0 to 1.5.3 pass both settings to Helm 4, which refuses them. Since 1.5.4 it ignores force
    (internal/action, upgrade.go and rollback.go). Before 1.5 it had no server-side apply.
    """
    match = _NUMBERS.match(versions.found.get("helm-controller", ""))
    version = tuple(map(int, match.groups())) if match else None
    if version is not None and version < _FIRST:
        return
    is_refused = version is not None and version < _IGNORES_FORCE
    refusal = f"; helm-controller {match[0].removeprefix('v')} refuses both" if match and is_refused else ""
    for release in cluster.active("HelmRelease"):
        for action in ("upgrade", "rollback"):
            spec = release.fields(f"spec.{action}")
            if spec.flag("force") and spec.text("serverSideApply") == "enabled":
                yield Problem(
                    release.ref,
                    {"action": action, "how": refusal or "; helm-controller ignores it"},
                    evidence=(
                        Evidence.field(
                            f"spec.{action} has force: true and serverSideApply: enabled",
                            str(release.ref),
                        ),
                    ),
                    field=f"spec.{action}.force",
                    key="" if action == "upgrade" else action,
                    severity=None if is_refused else Severity.INFO,
                )
