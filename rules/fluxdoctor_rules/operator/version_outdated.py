"""flux-operator reports that a newer Flux version is available."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read the event that flux-operator 0.58 sends about its FluxInstance."""
    for instance in cluster.active("FluxInstance"):
        event = next((e for e in cluster.events(instance.ref) if e.reason == "OutdatedVersion"), None)
        if event:
            text = " ".join(event.message.split())
            yield Problem(
                instance.ref,
                {"said": text, "preview": _preview(text)},
                (Evidence.event(text, f"{instance.ref} event"),),
                field="spec.distribution.version",
            )


def _preview(text: str) -> str:
    """Return the sentence about the command that lists what an upgrade breaks; "" if the event names no version."""
    match = re.search(r"latest[^\dl]*+(?:l(?!atest)[^\dl]*+)*+(\d+\.\d+)", text)
    command = f"fluxdoctor diagnose --target-flux {match[1]}" if match else ""
    return f" To see first what the upgrade would break, run: {command}." if command else ""
