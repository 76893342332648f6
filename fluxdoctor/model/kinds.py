"""Parse kinds as people write them: full, plural, short, or as arguments of the flux CLI."""

from __future__ import annotations

import re
from functools import lru_cache

from fluxdoctor.model.flux import BUILT_IN, KINDS
from fluxdoctor.model.similar import nearest

#: The short names in the CRDs of Flux 2.9 and in kubectl.
_SHORT = {
    "ks": "Kustomization", "hr": "HelmRelease", "gitrepo": "GitRepository", "ocirepo": "OCIRepository",
    "helmrepo": "HelmRepository", "hc": "HelmChart", "imgrepo": "ImageRepository", "imagerepo": "ImageRepository",
    "imgpol": "ImagePolicy", "imagepol": "ImagePolicy", "iua": "ImageUpdateAutomation",
    "imgupd": "ImageUpdateAutomation", "imgauto": "ImageUpdateAutomation", "ag": "ArtifactGenerator",
    "rset": "ResourceSet", "rsip": "ResourceSetInputProvider", "deploy": "Deployment", "cm": "ConfigMap", "ns": "Namespace",
    "sa": "ServiceAccount", "svc": "Service", "po": "Pod", "sts": "StatefulSet", "ds": "DaemonSet",
}  # fmt: skip

#: Short forms of arguments of the flux CLI: people write ``git`` for ``source git``.
_CLI_SHORT = {"git": "GitRepository", "oci": "OCIRepository"}


@lru_cache(1)
def _names() -> dict[str, str]:
    names = {name.lower(): name for name in (*BUILT_IN, *KINDS)}
    names |= {kind.plural: kind.name for kind in KINDS.values()} | {f"{name}s": kind for name, kind in names.items()}
    commands = {_normalised(kind.cli): kind.name for kind in KINDS.values() if kind.cli}
    return {**names, **_SHORT, **_CLI_SHORT, **commands}


def read(text: str) -> str | None:
    """Return the kind for a text, or None. Case, blanks, hyphens and an API group at the end do not matter."""
    return _names().get(_normalised(text))


def near(text: str, most: int = 3) -> list[str]:
    """Return the kinds with the most similar names, the most similar first."""
    names = _names()
    """Return the kinds with the most similar names, the most similar first."""
    names = _names()
    return list(dict.fromkeys(names[name] for name in nearest(_normalised(text), names)))[:most]


def _normalised(text: str) -> str:
    return re.sub(r"[\s_/-]+", "", text.lower()).partition(".")[0]
