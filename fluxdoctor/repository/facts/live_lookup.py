"""Joins the declared objects of a repository with those of a live cluster, which answers what the repository cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fluxdoctor.model import flux
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import Edge
from fluxdoctor.model.gaps import Gap, Scope
from fluxdoctor.model.resource import Fields, Ref, Resource
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.repository.build.substitute import unknown

#: Kinds of objects that a cluster often has although its repository does not declare them.
KINDS = ("ConfigMap", "CustomResourceDefinition", "Namespace", "Secret", "ServiceAccount")
_UNCHECKED_EDGES = (Edge.NAMESPACE, Edge.CRD, Edge.CONTROLLER, Edge.HELM_CHART)


def asked(snapshot: Snapshot) -> tuple[Ref, ...]:
    """Return the objects to look up in the cluster: declared objects refer to them, and the repository does not declare them."""
    declared = snapshot.cluster
    targets = {
        r.target for resource in declared.flux for r in flux.references(resource) if r.edge not in _UNCHECKED_EDGES
    }
    undeclared = {ref for ref in targets if ref.kind in KINDS and declared.get(ref) is None}
    return tuple(sorted(ref for ref in undeclared if not unknown(ref.name) and not unknown(ref.namespace)))


def hidden(snapshot: Snapshot, live: Snapshot) -> list[Gap]:
    """Return why the cluster could not answer for some of these objects."""
    return [lookup.gap for ref in asked(snapshot) if (lookup := live.cluster.look(ref)).gap]


def join(snapshot: Snapshot, live: Snapshot) -> Snapshot:
    """Add the live objects that the declared ones may refer to, and mark the others as absent.

    An object that a declared object will create stays unknown (a Secret of an ExternalSecret, a SealedSecret, a Certificate).
    """
    declared = snapshot.cluster
    extra = [r for r in live.cluster.all(*KINDS) if declared.get(r.ref) is None]
    products = {ref for resource in declared for ref in _products(resource)}
    absent = {ref for ref in asked(snapshot) if ref not in products and live.cluster.look(ref).absent}
    unanswered = hidden(snapshot, live)
    answered: set[Scope] = {*(r.ref for r in extra), *absent, *(gap.scope for gap in unanswered)}
    gaps = unanswered + [g for g in declared.gaps if g.scope not in answered]
    joined = Cluster([*declared, *extra], absent={*declared.absent, *absent}, gaps=gaps)
    return replace(snapshot, cluster=joined, versions=live.versions if live.versions.found else snapshot.versions)


def _products(resource: Resource) -> Iterator[Ref]:
    """Yield the Secrets and ConfigMaps that an operator creates for an object."""
    namespace, kind = resource.namespace, resource.text("kind")
    if kind == "ExternalSecret":
        yield Ref("Secret", namespace, resource.text("spec.target.name") or resource.name)
    elif kind == "SealedSecret":
        template = Fields(resource.get("spec.template.metadata"))
        yield Ref("Secret", namespace, template.text("name") or resource.name)
    elif kind == "Certificate":
        yield Ref("Secret", namespace, resource.text("spec.secretName"))
    elif kind in ("OnePasswordItem", "VaultStaticSecret", "VaultDynamicSecret", "BitwardenSecret", "SopsSecret"):
        yield Ref("Secret", namespace, resource.text("spec.destination.name") or resource.name)
    elif kind == "Bundle":
        yield Ref("ConfigMap", namespace, resource.name)
