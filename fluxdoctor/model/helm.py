"""How helm-controller names a release and where it keeps Helm's records of it."""

from __future__ import annotations

import hashlib

from fluxdoctor.model.resource import Resource

_LONGEST, _HEAD, _HASH = 53, 40, 12


def release_name(release: Resource) -> str:
    """helm-controller 1.6: spec.releaseName, or [targetNamespace-]name; beyond 53 characters cut and hashed."""
    target = release.text("spec.targetNamespace")
    name = release.text("spec.releaseName") or (f"{target}-{release.name}" if target else release.name)
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_HEAD]}-{hashlib.sha256(name.encode()).hexdigest()[:_HASH]}"


def release_namespace(release: Resource) -> str:
    """Return the namespace in which the objects of a release are made."""
    return release.text("spec.targetNamespace") or release.namespace


def storage_namespace(release: Resource) -> str:
    """Return the namespace that holds Helm's records of a release."""
    return release.text("spec.storageNamespace") or release.namespace
