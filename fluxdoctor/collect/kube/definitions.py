"""Reads CustomResourceDefinitions without their schemas: those are megabytes, and no rule reads them."""

from __future__ import annotations

from typing import Any

from fluxdoctor.collect.kube.discovery import Discovery, Served
from fluxdoctor.model import flux
from fluxdoctor.model.resource import Fields, Ref

CRD = Served("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", ("v1",), namespaced=False)
#: Metadata only: a list of all CRDs in full can be tens of megabytes.
PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


def describe(body: dict[str, Any], discovery: Discovery) -> None:
    """Add to the metadata of a CRD its kind and the served versions, from discovery."""
    body["apiVersion"], body["kind"] = "apiextensions.k8s.io/v1", "CustomResourceDefinition"
    plural, _, group = Fields(body).text("metadata.name").partition(".")
    served = next((s for s in discovery.served.values() if s.group == group and s.plural == plural), None)
    if served and not Fields(body).has("spec"):
        body["spec"] = {
            "group": group,
            "names": {"kind": served.kind, "plural": plural},
            "scope": "Namespaced" if served.namespaced else "Cluster",
            "versions": [{"name": version, "served": True} for version in served.versions],
        }


def drop_schemas(body: dict[str, Any]) -> None:
    """Remove the schemas of a complete CRD."""
    for version in Fields(body).rows("spec.versions"):
        version.body.pop("schema", None)


def flux_definitions(discovery: Discovery) -> tuple[list[Ref], list[Ref]]:
    """Return the CRDs of Flux's kinds that are served, and those that certainly do not exist."""
    present, absent = [], []
    for kind in flux.KINDS.values():
        ref = Ref("CustomResourceDefinition", "", f"{kind.plural}.{kind.group}")
        if discovery.of(kind.group, kind.name):
            present.append(ref)
        elif discovery.covers(kind.group):
            absent.append(ref)
    return present, absent
