"""Reads a live cluster: every Flux object, and of the rest what rules need of it, and says what could not be seen."""

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
_EVENTS = 20_000
_FEW_NAMESPACES = 30
_ROUNDS = 8
_LONGEST = ("Kustomization", "HelmRelease", "HelmChart")
_FOLLOWED = (*flux.KINDS, "Namespace")
_ASKED_FOR = ("ConfigMap", "Secret", "ServiceAccount")
#: The versions to try where discovery is refused (Flux 2.7 to 2.9).
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
#: How the controllers' Deployments are labelled by flux install and flux-operator, and the operator's own by its chart.
_SELECTORS = ("app.kubernetes.io/part-of=flux", "app.kubernetes.io/name=flux-operator")
_FORBIDDEN = re.compile(r"forbidden|cannot \w+ resource", re.I)


@dataclass(frozen=True, slots=True)
class Scope:
    """What to look at: all namespaces or some, one object with its kin, and other objects to look up besides."""

    namespaces: tuple[str, ...] = ()
    focus: Ref | None = None
    besides: tuple[Ref, ...] = ()


@dataclass(frozen=True)
class ClusterReading:
    """The cluster as facts, the logins that its Secrets hold, and the versions that were found.

    ``kin``: the Flux objects that the scope is about; sources among them are asked.
    """

    cluster: Cluster
    vault: Vault
    versions: dict[str, str]
    kin: frozenset[Ref]


def collect(
    api: Api, connection: ClusterConnection, scope: Scope, progress: Callable[[str], None] = lambda _: None
) -> ClusterReading:
    """Read the cluster. Raises ClusterError where it cannot be asked at all; everything less is a gap."""
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="kube") as pool:
        run = _Collection(api, connection, scope, Reader(api, pool))
        try:
            for words, step in (
                ("asking what the API server serves", run.greet),
                ("listing Flux objects", run.list),
                ("reading what they refer to", run.follow),
                ("looking at what is unwell", run.examine),
            ):
                progress(words)
                step()
            return run.sight()
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass
class _Collection:
    """One collection, step by step: each needs what the one before found."""

    api: Api
    connection: ClusterConnection
    scope: Scope
    reader: Reader
    found: ReadResult = field(default_factory=ReadResult)
    discovery: Discovery = field(default_factory=Discovery)
    versions: dict[str, str] = field(default_factory=dict)
    kin: frozenset[Ref] = frozenset()
    _resources: list[Resource] = field(default_factory=list)
    _seen: int = 0

    def greet(self) -> None:
        """Ask for the version and for what is served."""
        name, host = self.connection.name, self.connection.host
        try:
            self.versions["kubernetes"] = Fields(self.api.get("/version")).text("gitVersion")
        except ApiError as error:
            if error.status == 401:  # noqa: PLR2004 - HTTP
                raise ClusterError(f"{host} does not accept the login of context {name}") from None
            if not error.denied:
                raise ClusterError(f"{host} (context {name}) does not answer: {error.why}") from None
        try:
            self.discovery = discover(self.api, {kind.group for kind in flux.KINDS.values()})
        except ApiError as error:
            self.discovery = Discovery(
                stale=frozenset("*"), gaps=(Gap(StepScope("discovery"), error.reason, error.why),)
            )
        self.found.gaps += self.discovery.gaps

    def served(self, ref: Ref) -> Served | None:
        """Return how to ask for objects of a Ref's kind; None where it is not served."""
        kind, _, group = ref.kind.partition(".")
        if ref.kind in _CORE:
            return _CORE[ref.kind]
        known = flux.KINDS.get(ref.kind)
        group = group or (known.group if known else flux.BUILT_IN.get(kind, ""))
        if known and not self.discovery.known(group):
            version = _VERSIONS.get(group, "v1beta3" if kind in ("Alert", "Provider") else "v1")
            return self.discovery.of(group, kind) or Served(group, kind, known.plural, (version,), namespaced=True)
        return self.discovery.of(group, kind) if group or kind in flux.BUILT_IN else self.discovery.alone(kind)

    def list(self) -> None:
        """List every Flux kind, namespaces, CRDs, the controllers and the events that warn."""
        spaces = self.scope.namespaces
        # The pages of a list come one after the other: the longest lists begin first.
        kinds = (*_LONGEST, *(kind for kind in flux.KINDS if kind not in _LONGEST))
        served = [self.served(Ref(kind, "", "")) for kind in kinds]
        jobs = [partial(self.reader.list, kind, spaces) for kind in served if kind]
        jobs += [
            partial(self.reader.list, _CORE["Namespace"]),
            partial(self.reader.list, definitions.CRD, accept=definitions.PARTIAL),
            partial(self.reader.list, _CORE["Event"], spaces, query={"fieldSelector": "type=Warning"}, most=_EVENTS),
            *self._controllers(()),
        ]
        self.found.add(self.reader.run(jobs))
        for body in self.found.bodies:
            if str(body.get("kind")) in ("CustomResourceDefinition", "PartialObjectMetadata"):
                definitions.describe(body, self.discovery)
        for kind, how in zip(kinds, served, strict=True):
            if how is None:
                self.found.listed[kind] = None  # not served: there is none
        self._by_namespace()

    def _controllers(self, spaces: Sequence[str]) -> Iterator[partial[ReadResult]]:
        for each in _SELECTORS:
            yield partial(self.reader.list, _DEPLOYMENT, spaces, query={"labelSelector": each})

    def _by_namespace(self) -> None:
        """Whoever may not list everywhere may often list in a namespace: the context's, Flux's, any of a few."""
        refused = {
            gap.scope.kind
            for gap in self.found.gaps
            if gap.reason is GapReason.FORBIDDEN and isinstance(gap.scope, KindScope)
        }
        kinds = [kind for kind in flux.KINDS if kind in refused]
        unseen = {"Deployment", "Event"} & refused
        if self.scope.namespaces or not (kinds or unseen):
            return
        known = [ref.name for ref in self._refs() if ref.kind == "Namespace"]
        few = known if len(known) <= _FEW_NAMESPACES else []
        spaces = tuple(dict.fromkeys((self.connection.namespace or "default", "flux-system", *few)))
        jobs = [partial(self.reader.list, how, spaces) for kind in kinds if (how := self.served(Ref(kind, "", "")))]
        if "Event" in unseen:
            jobs.append(partial(self.reader.list, _CORE["Event"], spaces, query={"fieldSelector": "type=Warning"}))
        jobs += self._controllers(spaces) if "Deployment" in unseen else ()
        got = self.reader.run(jobs)
        got.gaps.clear()  # what is refused everywhere has been told once
        self.found.add(got)
        seen_in = {kind: self.found.listed.get(kind) for kind in kinds}
        seen_in["Deployment"] = frozenset(
            r.namespace for b in got.bodies if (r := objects.ref_of(b)) and r.kind == "Deployment"
        )
        for i, gap in enumerate(self.found.gaps):
            if isinstance(gap.scope, KindScope) and (seen := seen_in.get(str(gap.scope))):
                self.found.gaps[i] = replace(gap, detail=f"{gap.why}; seen in {', '.join(sorted(seen))} only")

    def _refs(self) -> Iterator[Ref]:
        yield from filter(None, map(objects.ref_of, self.found.bodies))

    def _cluster(self) -> Cluster:
        """Return what is read so far, for following references: not yet redacted, and never passed on."""
        for body in self.found.bodies[self._seen :]:
            ref = objects.ref_of(body)
            if ref and ref.kind in _FOLLOWED:
                self._resources.append(Resource(body=body, ref=ref))
        self._seen = len(self.found.bodies)
        return Cluster(self._resources, listed=self.found.listed, absent=self.found.absent)

    def follow(self) -> None:
        """Look up what Flux objects refer to, until nothing new is named."""
        there, absent = definitions.of_flux(self.discovery)
        self.found.absent += absent
        asked: set[Ref] = set(self._refs()) - set(there)
        wanted: list[Ref] = list(there) if "CustomResourceDefinition" in self.found.listed else []
        wanted += [ref for ref in self.scope.besides if ref not in asked]
        for _ in range(_ROUNDS):
            got = self.reader.gets((self.served(ref), ref) for ref in wanted)
            for body in got.bodies:
                if body.get("kind") == "CustomResourceDefinition":
                    definitions.lighten(body)
            # A definition that could not be read in full is known from discovery all the same.
            got.gaps = [gap for gap in got.gaps if gap.scope[0] != "CustomResourceDefinition"]
            self.found.add(got)
            asked |= set(wanted)
            cluster = self._cluster()
            self.kin = _kin(self.scope, cluster)
            accounts = [Fields(body) for body in self.found.bodies if body.get("kind") == "ServiceAccount"]
            wanted = sorted(set(self._named(cluster, accounts)) - asked)
            if not wanted:
                return

    def _named(self, cluster: Cluster, accounts: Sequence[Fields]) -> Iterator[Ref]:
        for resource in cluster.flux:
            if resource.ref not in self.kin:
                continue
            if "Namespace" not in cluster.listed:
                yield Ref("Namespace", "", resource.namespace)
            for edge in flux.references(resource):
                kind = edge.target.kind
                unlisted = kind in flux.KINDS or (kind == "Namespace" and kind not in cluster.listed)
                if kind in _ASKED_FOR or (unlisted and not cluster.look(edge.target).absent):
                    yield edge.target
        # source-controller logs in to registries with the pull secrets of a ServiceAccount.
        for account in accounts:
            for row in account.rows("imagePullSecrets"):
                yield Ref("Secret", account.text("metadata.namespace"), row.text("name"))

    def examine(self) -> None:
        """Look at the controllers' pods, at what failing objects wait for, and at who may do what where that is refused."""
        cluster = self._cluster()
        failing = [r for r in workloads.failing(cluster) if r.ref in self.kin]
        self.found.add(workloads.controllers(self.reader, self.found.bodies))
        self.found.add(workloads.waited_for(self.reader, failing, self.served))
        self.found.add(presence.check(self.reader, cluster, self.kin, self.served))
        if any(_FORBIDDEN.search(text) for resource in failing for text in workloads.messages(resource)):
            for got in self.reader.map(self.reader.list, _BINDINGS):
                self.found.add(got)

    def sight(self) -> ClusterReading:
        """Turn what was read into facts."""
        read = objects.read(
            (body, str(objects.ref_of(body) or "an answer of the API server")) for body in self.found.bodies
        )
        gaps = tuple(dict.fromkeys((*self.found.gaps, *read.gaps)))
        cluster = Cluster(
            read.resources, listed=self.found.listed, absent=self.found.absent, gaps=gaps, events=read.events
        )
        secrets = {
            (ref.namespace, ref.name): SecretData(str(body.get("type", "")), dict(entries(body)))
            for ref, body in zip(map(objects.ref_of, self.found.bodies), self.found.bodies, strict=True)
            if ref and ref.kind == "Secret"
        }
        accounts = {
            (r.namespace, r.name): tuple(row.text("name") for row in r.rows("imagePullSecrets"))
            for r in cluster.all("ServiceAccount")
        }
        return ClusterReading(cluster, Vault(secrets, accounts), {**self.versions, **_controllers(cluster)}, self.kin)


def _kin(scope: Scope, cluster: Cluster) -> frozenset[Ref]:
    """Return the Flux objects that a scope is about: all, or one with what it needs and what needs it."""
    if scope.focus is None:
        return frozenset(r.ref for r in cluster.flux)
    return Graph(cluster).related(scope.focus)


def _controllers(cluster: Cluster) -> dict[str, str]:
    """Return the versions of Flux and of its controllers, by their labels and images."""
    found: dict[str, str] = {}
    for name in flux.CONTROLLERS:
        for deployment in cluster.controllers(name):
            if version := deployment.label("app.kubernetes.io/version"):
                found.setdefault("flux-operator" if name == "flux-operator" else "flux", version)
            for row in deployment.rows("spec.template.spec.containers"):
                tag = row.text("image").partition("@")[0].rpartition(":")[2]
                if re.fullmatch(r"v\d+\.\d+\.\d+\S*", tag) and row.text("name") == "manager":
                    found.setdefault(name, tag)
    return found
