"""Finds the error with which kustomize-controller (1.9) stops because variables of a build cannot be replaced."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from fluxdoctor.repository.build.document import BuiltDocument
from fluxdoctor.repository.build.substitute import Variables, apply, syntax_fault, undefined, unknown
from fluxdoctor.repository.follow import versions
from fluxdoctor.repository.follow.cluster_contents import ClusterContents, SubstitutionFault

_API = re.compile(r"^apiVersion: (?:(?P<group>[^/\n]+)/)?(?P<version>\S+)$", re.M)


def find_faults(documents: Iterable[BuiltDocument], variables: Variables) -> tuple[SubstitutionFault, ...]:
    """Return the first fault of the documents of a build, and the first one that does not depend on strict mode."""
    faults: list[SubstitutionFault] = []
    for document in documents:
        fault = _fault(document, variables) if document.body is None else None
        if fault and not (faults and fault.is_strict):
            faults.append(fault)
            if not fault.is_strict:
                break
    return tuple(faults)


def _fault(document: BuiltDocument, variables: Variables) -> SubstitutionFault | None:
    if problem := syntax_fault(document.text, variables):
        return SubstitutionFault(f"{_error_prefix(document)}: {problem}", is_strict=False)
    if name := undefined(document.text, variables):
        problem = f'envsubst error: variable substitution failed: variable not set (strict mode): "{name}"'
        return SubstitutionFault(f"{_error_prefix(document)}: {problem}", is_strict=True)
    if variables.values and not document.read(variables) and document.read(Variables()):
        text = apply(document.text, variables)
        if not unknown(text):
            problem = f"envsubst error: YAMLToJSON: {document.flaw(variables)}"
            return SubstitutionFault(f"{_error_prefix(document)}: {problem}", is_strict=False)
    return None


def _error_prefix(document: BuiltDocument) -> str:
    header, api = document.header, _API.search(document.text)
    group, version = (api["group"], api["version"]) if api else ("", "")
    return f"post build failed for '{header.kind}.{version}.{group or '[noGrp]'}/{header.name}'"


def apply_faults(contents: ClusterContents) -> ClusterContents:
    """Mark the Kustomizations whose variables cannot be replaced as failed. Needs all objects: they tell the Flux version."""
    is_strict = versions.is_strict(contents)
    for ref, faults in contents.substitution_faults.items():
        fault = next((f for f in faults if is_strict or not f.is_strict), None)
        kustomization = contents.objects.get(ref)
        if fault and kustomization and not kustomization.flag("spec.suspend"):
            ready = {"type": "Ready", "status": "False", "reason": "BuildFailed", "message": fault.message}
            body = {**kustomization.body, "status": {"conditions": [ready]}}
            contents.objects[ref] = replace(kustomization, body=body)
            contents.failed.add(ref)
            contents.partial.add(ref)
    return contents
