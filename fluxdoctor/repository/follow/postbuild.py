"""What the replacing of variables makes of a build: the error with which kustomize-controller would stop (1.9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from fluxdoctor.repository.build.document import BuiltDocument
from fluxdoctor.repository.build.substitute import Variables, apply, syntax_fault, undefined, unknown
from fluxdoctor.repository.follow import versions
from fluxdoctor.repository.follow.cluster_contents import ClusterContents, Fault

_API = re.compile(r"^apiVersion: (?:(?P<group>[^/\n]+)/)?(?P<version>\S+)$", re.M)


def faults(documents: Iterable[BuiltDocument], variables: Variables) -> tuple[Fault, ...]:
    """Return the first fault of the documents of a build, and the first that is one however variables are replaced."""
    found: list[Fault] = []
    for document in documents:
        fault = _fault(document, variables) if document.body is None else None
        if fault and not (found and fault.strict):
            found.append(fault)
            if not fault.strict:
                break
    return tuple(found)


def _fault(document: BuiltDocument, variables: Variables) -> Fault | None:
    if problem := syntax_fault(document.text, variables):
        return Fault(f"{_where(document)}: {problem}", strict=False)
    if missing := undefined(document.text, variables):
        said = f'envsubst error: variable substitution failed: variable not set (strict mode): "{missing}"'
        return Fault(f"{_where(document)}: {said}", strict=True)
    if variables.known and not document.read(variables) and document.read(Variables()):
        text = apply(document.text, variables)
        if not unknown(text):
            return Fault(f"{_where(document)}: envsubst error: YAMLToJSON: {document.flaw(variables)}", strict=False)
    return None


def _where(document: BuiltDocument) -> str:
    header, api = document.header, _API.search(document.text)
    group, version = (api["group"], api["version"]) if api else ("", "")
    return f"post build failed for '{header.kind}.{version}.{group or '[noGrp]'}/{header.name}'"


def settle(reached: ClusterContents) -> ClusterContents:
    """Let the Kustomizations fail whose variables cannot be replaced, now that the cluster's Flux is known."""
    strict = versions.is_strict(reached)
    for ref, found in reached.faults.items():
        fault = next((f for f in found if strict or not f.strict), None)
        held = reached.objects.get(ref)
        if fault and held and not held.flag("spec.suspend"):
            ready = {"type": "Ready", "status": "False", "reason": "BuildFailed", "message": fault.message}
            reached.objects[ref] = replace(held, body={**held.body, "status": {"conditions": [ready]}})
            reached.failed.add(ref)
            reached.partial.add(ref)
    return reached
