"""Kinds as people write them: full, plural, short, or in the words of the flux command."""

from __future__ import annotations

import re
from functools import lru_cache

from fluxdoctor.model.flux import BUILT_IN, KINDS
from fluxdoctor.model.similar import nearest

#: The short names that the CRDs of Flux 2.9 and kubectl know.
_SHORT = {
    "ks": "Kustomization", "hr": "HelmRelease", "gitrepo": "GitRepository", "ocirepo": "OCIRepository",
    "helmrepo": "HelmRepository", "hc": "HelmChart", "imgrepo": "ImageRepository", "imagerepo": "ImageRepository",
    "imgpol": "ImagePolicy", "imagepol": "ImagePolicy", "iua": "ImageUpdateAutomation",
    "imgupd": "ImageUpdateAutomation", "imgauto": "ImageUpdateAutomation", "ag": "ArtifactGenerator",
    "rset": "ResourceSet", "rsip": "ResourceSetInputProvider", "deploy": "Deployment", "cm": "ConfigMap", "ns": "Namespace",
    "sa": "ServiceAccount", "svc": "Service", "po": "Pod", "sts": "StatefulSet", "ds": "DaemonSet",
}  # fmt: skip

#: Words of the flux CLI that are short for others: ``flux reconcile source git`` is also written ``git``.
_CLI_SHORT = {"git": "GitRepository", "oci": "OCIRepository"}


@lru_cache(1)
def _names() -> dict[str, str]:
    names = {name.lower(): name for name in (*BUILT_IN, *KINDS)}
    names |= {kind.plural: kind.name for kind in KINDS.values()} | {f"{name}s": kind for name, kind in names.items()}
    commands = {_bare(kind.cli): kind.name for kind in KINDS.values() if kind.cli}
    return {**names, **_SHORT, **_CLI_SHORT, **commands}


def read(text: str) -> str | None:
    """Return the kind that is meant, or None: case, blanks and hyphens do not matter, nor does an API group at the end."""
    return _names().get(_bare(text))


def near(text: str, most: int = 3) -> list[str]:
    """Return the kinds whose names come nearest, the nearest first."""
    names = _names()
    return list(dict.fromkeys(names[name] for name in nearest(_bare(text), names)))[:most]


def _bare(text: str) -> str:
    return re.sub(r"[\s_/-]+", "", text.lower()).partition(".")[0]
