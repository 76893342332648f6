"""A repository's declared objects joined with a live cluster's: what the repository cannot tell, the cluster can."""

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

#: What a cluster holds that its repository does not declare, for good reasons.
KINDS = ("ConfigMap", "CustomResourceDefinition", "Namespace", "Secret", "ServiceAccount")
_OPEN = (Edge.NAMESPACE, Edge.CRD, Edge.CONTROLLER, Edge.HELM_CHART)


def asked(snapshot: Snapshot) -> tuple[Ref, ...]:
    """Return what declared objects refer to and the repository does not declare: what to look up in the cluster."""
    declared = snapshot.cluster
    named = {r.target for resource in declared.flux for r in flux.references(resource) if r.edge not in _OPEN}
    found = {ref for ref in named if ref.kind in KINDS and declared.get(ref) is None}
    return tuple(sorted(ref for ref in found if not unknown(ref.name) and not unknown(ref.namespace)))


def hidden(snapshot: Snapshot, live: Snapshot) -> list[Gap]:
    """Return what was looked up in the cluster and could not be seen, and why."""
    return [lookup.gap for ref in asked(snapshot) if (lookup := live.cluster.look(ref)).gap]


def join(snapshot: Snapshot, live: Snapshot) -> Snapshot:
    """Add the live objects that the declared ones may refer to, and answer what was unknown for want of them.

    What a declared object will make (a Secret of an ExternalSecret, a SealedSecret, a Certificate) stays unknown.
    """
    declared = snapshot.cluster
    extra = [r for r in live.cluster.all(*KINDS) if declared.get(r.ref) is None]
    made = {ref for resource in declared for ref in _produces(resource)}
    gone = {ref for ref in asked(snapshot) if ref not in made and live.cluster.look(ref).absent}
    unseen = hidden(snapshot, live)
    answered: set[Scope] = {*(r.ref for r in extra), *gone, *(gap.scope for gap in unseen)}
    gaps = unseen + [g for g in declared.gaps if g.scope not in answered]
    joined = Cluster([*declared, *extra], absent={*declared.absent, *gone}, gaps=gaps)
    return replace(snapshot, cluster=joined, versions=live.versions if live.versions.found else snapshot.versions)


def _produces(resource: Resource) -> Iterator[Ref]:
    """Yield the Secrets and ConfigMaps that an operator makes of an object."""
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
