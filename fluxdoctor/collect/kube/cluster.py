"""Reads a live cluster: every Flux object, and the other objects that rules need. What cannot be read becomes a gap."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from fluxdoctor.collect.kube import definitions, presence, workloads
from fluxdoctor.collect.kube.api import Api, ApiError
from fluxdoctor.collect.kube.discovery import Discovery, Served, discover
from fluxdoctor.collect.kube.login import ClusterConnection, ClusterError
from fluxdoctor.collect.kube.read import Reader, ReadResult
from fluxdoctor.intake import objects
from fluxdoctor.intake.secret_values import entries
from fluxdoctor.intake.vault import SecretData, Vault
from fluxdoctor.model import flux
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.gaps import Gap, GapReason, KindScope, StepScope
from fluxdoctor.model.graph import Graph
from fluxdoctor.model.resource import Fields, Ref, Resource

_WORKERS = 6
_MAX_EVENTS = 20_000
_MAX_NAMESPACES = 30
_MAX_ROUNDS = 8
_LONG_LISTS = ("Kustomization", "HelmRelease", "HelmChart")
_FOLLOWED = (*flux.KINDS, "Namespace")
_LOOKED_UP = ("ConfigMap", "Secret", "ServiceAccount")
#: The versions to try if discovery is denied (Flux 2.7 to 2.9).
_VERSIONS = {flux.HELM: "v2", flux.EXTENSIONS: "v1beta1"}
_CORE = {
    kind: Served("", kind, plural, ("v1",), namespaced=kind != "Namespace")
    for kind, plural in (
        ("ConfigMap", "configmaps"), ("Event", "events"), ("Namespace", "namespaces"), ("Secret", "secrets"),
        ("ServiceAccount", "serviceaccounts"),
    )
}  # fmt: skip
_DEPLOYMENT = Served("apps", "Deployment", "deployments", ("v1",), namespaced=True)
_BINDINGS = tuple(
    Served("rbac.authorization.k8s.io", kind, f"{kind.lower()}s", ("v1",), namespaced=kind == "RoleBinding")
    for kind in ("ClusterRoleBinding", "RoleBinding")
)
#: The labels of the controllers' Deployments (set by flux install and flux-operator) and of the operator's own (by its chart).
_SELECTORS = ("app.kubernetes.io/part-of=flux", "app.kubernetes.io/name=flux-operator")
_FORBIDDEN = re.compile(r"forbidden|cannot \w+ resource", re.I)


@dataclass(frozen=True, slots=True)
class Scope:
    """What to read: all namespaces or some, one object with its kin, and other objects to look up in addition."""

    namespaces: tuple[str, ...] = ()
    focus: Ref | None = None
    besides: tuple[Ref, ...] = ()


@dataclass(frozen=True)
class ClusterReading:
    """The cluster as facts, the logins in its Secrets, and the versions of Kubernetes and of the controllers.

    ``kin``: the Flux objects in the scope; the sources among them are probed.
    """

    cluster: Cluster
    vault: Vault
    versions: dict[str, str]
    kin: frozenset[Ref]


def collect(
    api: Api, connection: ClusterConnection, scope: Scope, progress: Callable[[str], None] = lambda _: None
) -> ClusterReading:
    """Read the cluster. Raises ClusterError if the API server cannot be used at all; every smaller failure is a gap."""
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="kube") as pool:
        collection = _Collection(api, connection, scope, Reader(api, pool))
        try:
            for progress_text, step in (
                ("discovering the API", collection.discover),
                ("listing Flux objects", collection.list),
                ("reading referenced objects", collection.follow_references),
                ("examining failing objects", collection.examine),
            ):
                progress(progress_text)
                step()
            return collection.to_reading()
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass
class _Collection:
    """One collection. Its steps run in order, each with the results of the earlier ones."""

    api: Api
    connection: ClusterConnection
    scope: Scope
    reader: Reader
    result: ReadResult = field(default_factory=ReadResult)
    discovery: Discovery = field(default_factory=Discovery)
    versions: dict[str, str] = field(default_factory=dict)
    kin: frozenset[Ref] = frozenset()
    _resources: list[Resource] = field(default_factory=list)
    _parsed_count: int = 0

    def discover(self) -> None:
        """Read the version of Kubernetes and the served kinds. Raises ClusterError."""
        name, host = self.connection.name, self.connection.host
        try:
            self.versions["kubernetes"] = Fields(self.api.get("/version")).text("gitVersion")
        except ApiError as error:
            if error.status == 401:  # noqa: PLR2004 - HTTP
                raise ClusterError(f"{host} does not accept the credentials of context {name}") from None
            if not error.is_access_denied:
                raise ClusterError(f"{host} (context {name}) does not answer: {error.why}") from None
        try:
            self.discovery = discover(self.api, {kind.group for kind in flux.KINDS.values()})
        except ApiError as error:
            self.discovery = Discovery(
                stale=frozenset("*"), gaps=(Gap(StepScope("discovery"), error.reason, error.why),)
            )
        self.result.gaps += self.discovery.gaps

    def served(self, ref: Ref) -> Served | None:
        """Return how a Ref's kind is served, or None if it is not served."""
        kind, _, group = ref.kind.partition(".")
        if ref.kind in _CORE:
            return _CORE[ref.kind]
        flux_kind = flux.KINDS.get(ref.kind)
        group = group or (flux_kind.group if flux_kind else flux.BUILT_IN.get(kind, ""))
        if flux_kind and not self.discovery.covers(group):
            version = _VERSIONS.get(group, "v1beta3" if kind in ("Alert", "Provider") else "v1")
            return self.discovery.of(group, kind) or Served(group, kind, flux_kind.plural, (version,), namespaced=True)
        return self.discovery.of(group, kind) if group or kind in flux.BUILT_IN else self.discovery.by_unique_name(kind)

    def list(self) -> None:
        """List every Flux kind, namespaces, CRDs, the controllers and warning events."""
        namespaces = self.scope.namespaces
        # The pages of one list are read in sequence: the longest lists start first.
        kinds = (*_LONG_LISTS, *(kind for kind in flux.KINDS if kind not in _LONG_LISTS))
        served = [self.served(Ref(kind, "", "")) for kind in kinds]
        jobs = [partial(self.reader.list, kind, namespaces) for kind in served if kind]
        jobs += [
            partial(self.reader.list, _CORE["Namespace"]),
            partial(self.reader.list, definitions.CRD, accept=definitions.PARTIAL),
            partial(
                self.reader.list, _CORE["Event"], namespaces, query={"fieldSelector": "type=Warning"}, most=_MAX_EVENTS
            ),
            *self._controllers(()),
        ]
        self.result.add(self.reader.run(jobs))
        for body in self.result.bodies:
            if str(body.get("kind")) in ("CustomResourceDefinition", "PartialObjectMetadata"):
                definitions.describe(body, self.discovery)
        for kind, served_kind in zip(kinds, served, strict=True):
            if served_kind is None:
                self.result.listed[kind] = None  # not served, so there are no objects
        self._list_by_namespace()

    def _controllers(self, namespaces: Sequence[str]) -> Iterator[partial[ReadResult]]:
        for selector in _SELECTORS:
            yield partial(self.reader.list, _DEPLOYMENT, namespaces, query={"labelSelector": selector})

    def _list_by_namespace(self) -> None:
        """List in single namespaces what cannot be listed in all: the context's, flux-system, and the others if they are few."""
        refused = {
            gap.scope.kind
            for gap in self.result.gaps
            if gap.reason is GapReason.FORBIDDEN and isinstance(gap.scope, KindScope)
        }
        kinds = [kind for kind in flux.KINDS if kind in refused]
        other_kinds = {"Deployment", "Event"} & refused
        if self.scope.namespaces or not (kinds or other_kinds):
            return
        namespace_names = [ref.name for ref in self._refs() if ref.kind == "Namespace"]
        tried_names = namespace_names if len(namespace_names) <= _MAX_NAMESPACES else []
        namespaces = tuple(dict.fromkeys((self.connection.namespace or "default", "flux-system", *tried_names)))
        jobs = [
            partial(self.reader.list, served, namespaces)
            for kind in kinds
            if (served := self.served(Ref(kind, "", "")))
        ]
        if "Event" in other_kinds:
            jobs.append(partial(self.reader.list, _CORE["Event"], namespaces, query={"fieldSelector": "type=Warning"}))
        jobs += self._controllers(namespaces) if "Deployment" in other_kinds else ()
        listed = self.reader.run(jobs)
        listed.gaps.clear()  # the gaps for all namespaces are recorded already
        self.result.add(listed)
        namespaces_by_kind = {kind: self.result.listed.get(kind) for kind in kinds}
        namespaces_by_kind["Deployment"] = frozenset(
            r.namespace for b in listed.bodies if (r := objects.ref_of(b)) and r.kind == "Deployment"
        )
        for i, gap in enumerate(self.result.gaps):
            if isinstance(gap.scope, KindScope) and (visible_in := namespaces_by_kind.get(str(gap.scope))):
                self.result.gaps[i] = replace(gap, detail=f"{gap.why}; seen in {', '.join(sorted(visible_in))} only")

    def _refs(self) -> Iterator[Ref]:
        yield from filter(None, map(objects.ref_of, self.result.bodies))

    def _cluster(self) -> Cluster:
        """Return the objects read so far, to follow references. It is not redacted yet and never leaves this class."""
        for body in self.result.bodies[self._parsed_count :]:
            ref = objects.ref_of(body)
            if ref and ref.kind in _FOLLOWED:
                self._resources.append(Resource(body=body, ref=ref))
        self._parsed_count = len(self.result.bodies)
        return Cluster(self._resources, listed=self.result.listed, absent=self.result.absent)

    def follow_references(self) -> None:
        """Look up the objects that Flux objects refer to, until there are no new references."""
        present, absent = definitions.flux_definitions(self.discovery)
        self.result.absent += absent
        looked_up: set[Ref] = set(self._refs()) - set(present)
        pending: list[Ref] = list(present) if "CustomResourceDefinition" in self.result.listed else []
        pending += [ref for ref in self.scope.besides if ref not in looked_up]
        for _ in range(_MAX_ROUNDS):
            lookups = self.reader.gets((self.served(ref), ref) for ref in pending)
            for body in lookups.bodies:
                if body.get("kind") == "CustomResourceDefinition":
                    definitions.drop_schemas(body)
            # Discovery describes a definition well enough if it cannot be read in full.
            lookups.gaps = [gap for gap in lookups.gaps if gap.scope[0] != "CustomResourceDefinition"]
            self.result.add(lookups)
            looked_up |= set(pending)
            cluster = self._cluster()
            self.kin = _kin(self.scope, cluster)
            accounts = [Fields(body) for body in self.result.bodies if body.get("kind") == "ServiceAccount"]
            pending = sorted(set(self._referenced(cluster, accounts)) - looked_up)
            if not pending:
                return

    def _referenced(self, cluster: Cluster, accounts: Sequence[Fields]) -> Iterator[Ref]:
        for resource in cluster.flux:
            if resource.ref not in self.kin:
                continue
            if "Namespace" not in cluster.listed:
                yield Ref("Namespace", "", resource.namespace)
            for edge in flux.references(resource):
                kind = edge.target.kind
                unlisted = kind in flux.KINDS or (kind == "Namespace" and kind not in cluster.listed)
                if kind in _LOOKED_UP or (unlisted and not cluster.look(edge.target).absent):
                    yield edge.target
        # source-controller logs in to registries with the image pull secrets of a ServiceAccount.
        for account in accounts:
            for row in account.rows("imagePullSecrets"):
                yield Ref("Secret", account.text("metadata.namespace"), row.text("name"))

    def examine(self) -> None:
        """Read the controllers' Pods, the workloads of failing objects and, for access denials, the role bindings."""
        cluster = self._cluster()
        failing = [r for r in workloads.failing(cluster) if r.ref in self.kin]
        self.result.add(workloads.controllers(self.reader, self.result.bodies))
        self.result.add(workloads.blocking_objects(self.reader, failing, self.served))
        self.result.add(presence.check(self.reader, cluster, self.kin, self.served))
        if any(_FORBIDDEN.search(text) for resource in failing for text in workloads.messages(resource)):
            for bindings in self.reader.map(self.reader.list, _BINDINGS):
                self.result.add(bindings)

    def to_reading(self) -> ClusterReading:
        """Convert the objects to facts."""
        facts = objects.read(
            (body, str(objects.ref_of(body) or "an answer of the API server")) for body in self.result.bodies
        )
        gaps = tuple(dict.fromkeys((*self.result.gaps, *facts.gaps)))
        cluster = Cluster(
            facts.resources, listed=self.result.listed, absent=self.result.absent, gaps=gaps, events=facts.events
        )
        secrets = {
            (ref.namespace, ref.name): SecretData(str(body.get("type", "")), dict(entries(body)))
            for ref, body in zip(map(objects.ref_of, self.result.bodies), self.result.bodies, strict=True)
            if ref and ref.kind == "Secret"
        }
        accounts = {
            (r.namespace, r.name): tuple(row.text("name") for row in r.rows("imagePullSecrets"))
            for r in cluster.all("ServiceAccount")
        }
        return ClusterReading(cluster, Vault(secrets, accounts), {**self.versions, **_controllers(cluster)}, self.kin)


def _kin(scope: Scope, cluster: Cluster) -> frozenset[Ref]:
    """Return the Flux objects in a scope: all, or one with its dependencies and dependents."""
    if scope.focus is None:
        return frozenset(r.ref for r in cluster.flux)
    return Graph(cluster).related(scope.focus)


def _controllers(cluster: Cluster) -> dict[str, str]:
    """Return the versions of Flux and of its controllers, from labels and image tags."""
    versions: dict[str, str] = {}
    for name in flux.CONTROLLERS:
        for deployment in cluster.controllers(name):
            if version := deployment.label("app.kubernetes.io/version"):
                versions.setdefault("flux-operator" if name == "flux-operator" else "flux", version)
            for row in deployment.rows("spec.template.spec.containers"):
                tag = row.text("image").partition("@")[0].rpartition(":")[2]
                if re.fullmatch(r"v\d+\.\d+\.\d+\S*", tag) and row.text("name") == "manager":
                    versions.setdefault(name, tag)
    return versions
