"""The name of a Helm release, and the namespaces of its objects and of Helm's records of it."""

from __future__ import annotations

import hashlib

from fluxdoctor.model.resource import Resource

_MAX_LENGTH, _HEAD, _HASH = 53, 40, 12


def release_name(release: Resource) -> str:
    """Return spec.releaseName, or [targetNamespace-]name, cut and hashed beyond 53 characters (helm-controller 1.6)."""
    target = release.text("spec.targetNamespace")
    name = release.text("spec.releaseName") or (f"{target}-{release.name}" if target else release.name)
    if len(name) <= _MAX_LENGTH:
        return name
    return f"{name[:_HEAD]}-{hashlib.sha256(name.encode()).hexdigest()[:_HASH]}"


def release_namespace(release: Resource) -> str:
    """Return the namespace in which the objects of a release are created."""
    return release.text("spec.targetNamespace") or release.namespace


def storage_namespace(release: Resource) -> str:
    """Return the namespace of the Secrets in which Helm stores a release."""
    return release.text("spec.storageNamespace") or release.namespace
