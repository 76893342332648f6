"""The ways in which a fleet is broken: where, what the controller says of it, and which rows of the catalogue say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from hypothesis import strategies as st

from fluxdoctor.model.resource import Ref
from tests.incidents.fleet import Fleet, Layer, Release, Source


class Stage(IntEnum):
    """How far a reconciliation gets before it fails; what fails earlier hides what would fail later.

    Kustomization: artifact, dependencies, build, apply, health (kustomize-controller 1.9). HelmRelease: dependencies, chart,
    values, release (helm-controller 1.6).
    """

    SOURCE = 0
    ARTIFACT = 1
    DEPENDENCIES = 2
    CHART = 3
    VALUES = 4
    BUILD = 5
    APPLY = 6
    HEALTH = 7


@dataclass(frozen=True)
class Way:
    """One way to break an object. ``proven``: the objects show it, whatever the controller says."""

    name: str
    stage: Stage
    reason: str
    message: str
    faults: frozenset[str]
    proven: bool = False


def _way(name: str, stage: Stage, reason: str, message: str, *faults: str, proven: bool = False) -> Way:
    return Way(name, stage, reason, message, frozenset(faults), proven)


_GIT = "failed to checkout and determine revision: unable to "
_INDEX = "failed to fetch Helm repository index: failed to cache index to temporary file: "
_DIAL = "dial tcp 10.0.0.9:443: connect: connection refused"
# Messages as in fixtures/incidents, recorded from Flux 2.9.
BRANCH = _way("branch", Stage.SOURCE, "GitOperationFailed",
              _GIT + "clone '{url}': couldn't find remote ref \"refs/heads/main\"", "git-branch-not-found")  # fmt: skip
LOGIN = _way("login", Stage.SOURCE, "GitOperationFailed",
             _GIT + "list remote for '{url}': authentication required: Unauthorized", "git-auth-required")  # fmt: skip
HOST = _way("host", Stage.SOURCE, "", "", "git-conn-refused", "hrepo-index-network")
HOST_WORDS = {
    "GitRepository": ("GitOperationFailed", _GIT + "list remote for '{url}': Get \"{url}/info/refs?service=git-upload-pack\": " + _DIAL),
    "HelmRepository": ("Failed", _INDEX + 'Get "{url}/index.yaml": ' + _DIAL),
}  # fmt: skip
SECRET = _way("secret", Stage.SOURCE, "AuthenticationFailed",
              "failed to get secret '{namespace}/{secret}': secrets \"{secret}\" not found", "git-secret-missing", proven=True)  # fmt: skip
INDEX = _way(
    "index", Stage.SOURCE, "Failed", _INDEX + "failed to fetch {url}/index.yaml : 404 Not Found", "hrepo-index-404"
)
TAG = _way("tag", Stage.SOURCE, "OCIArtifactPullFailed",
           "failed to determine artifact digest: GET {url}/manifests/9.9.9: MANIFEST_UNKNOWN: manifest unknown; map[Tag:9.9.9]",
           "oci-manifest-unknown")  # fmt: skip
BUCKET = _way("bucket", Stage.SOURCE, "BucketOperationFailed", "bucket '{name}' not found", "bkt-not-found")
SUSPENDED = _way("suspended", Stage.SOURCE, "", "", "ctl-suspended", proven=True)
GENERATOR = _way("generator", Stage.SOURCE, "ValidationFailed", "duplicate source alias 'fleet' found", "ag-dup-alias")
LAYER = (
    _way("path", Stage.BUILD, "ArtifactFailed",
         "kustomization path not found: stat /tmp/kustomization-123/{name}: no such file or directory", "ks-path-not-found"),
    _way("duplicate", Stage.BUILD, "BuildFailed",
         "kustomize build failed: accumulating resources: accumulation err='merging resources from 'b.yaml': may not add resource"
         " with an already registered id: ConfigMap.v1.[noGrp]/{name}.apps': must build at directory", "ks-duplicate-id"),
    _way("kind", Stage.APPLY, "ReconciliationFailed",
         'Of{name}/apps/{name} dry-run failed: no matches for kind "Of{name}" in version "example.com/v1"\n',
         "ctl-crd-missing"),
)  # fmt: skip
CRD = _way("crd", Stage.APPLY, "ReconciliationFailed",
           'ServiceMonitor/apps/{name} dry-run failed: no matches for kind "ServiceMonitor" in version'
           ' "monitoring.coreos.com/v1"\n', "ctl-crd-missing")  # fmt: skip
VARIABLES = _way("variables", Stage.BUILD, "BuildFailed",
                 "post build failed for 'Deployment.v1.apps/{name}': substitute from 'ConfigMap/vars' error: configmaps \"vars\""
                 " not found", "ks-subst-from-missing", proven=True)  # fmt: skip
KEYS = _way("keys", Stage.BUILD, "BuildFailed", 'secrets "keys" not found', "ks-sops-secret-missing", proven=True)
DEPENDENCY = {
    "Kustomization": _way("dependency", Stage.DEPENDENCIES, "DependencyNotReady",
                          "dependency '{namespace}/no-{name}' not found: kustomizations.kustomize.toolkit.fluxcd.io \"no-{name}\" not found",
                          "ks-dep-missing", proven=True),
    "HelmRelease": _way("dependency", Stage.DEPENDENCIES, "DependencyNotReady",
                        "unable to get '{namespace}/no-{name}' dependency: helmreleases.helm.toolkit.fluxcd.io \"no-{name}\" not found",
                        "hr-dep-missing", proven=True),
}  # fmt: skip
WEBHOOK = _way("webhook", Stage.APPLY, "ReconciliationFailed",
               "ConfigMap/apps/{name} dry-run failed (InternalError): Internal error occurred: failed calling webhook"
               ' "validate.policy.example.com": failed to call webhook: Post "https://policy.policy.svc:443/validate":'
               " dial tcp 10.96.0.7:443: connect: connection refused", "ctl-webhook-down")  # fmt: skip
CRASH = _way("crash", Stage.HEALTH, "HealthCheckFailed", "", "ks-health-timeout", "ks-health-failed-early", proven=True)
CYCLE = _way("cycle", Stage.DEPENDENCIES, "DependencyNotReady", "", "ks-dep-cycle", proven=True)
RELEASE = (
    _way("schema", Stage.APPLY, "UpgradeFailed",
         "Helm upgrade failed for release {namespace}/{name} with chart {name}@1.2.3: values don't meet the specifications of"
         " the schema(s) in the following chart(s):\n{name}:\n- at '/replicas': got string, want integer", "hr-values-schema"),
    _way("immutable", Stage.APPLY, "UpgradeFailed",
         'Helm upgrade failed for release {namespace}/{name} with chart {name}@1.2.3: cannot patch "{name}" with kind Deployment:'
         ' Deployment.apps "{name}" is invalid: spec.selector: Invalid value: {{}}: field is immutable',
         "hr-immutable", "hr-immutable-field", "hr-upgrade-immutable"),
)  # fmt: skip
VERSION = _way("version", Stage.CHART, "InvalidChartReference",
               "invalid chart reference: failed to get chart version for remote reference: no '{name}' chart with version matching"
               " '9.9.9' found", "hchart-version-no-match")  # fmt: skip
VALUES = _way("values", Stage.VALUES, "ValuesError",
              "could not resolve ConfigMap chart values reference '{namespace}/defaults' with key 'values.yaml': configmaps"
              ' "defaults" not found', "hr-values-ref-missing", proven=True)  # fmt: skip


@dataclass(frozen=True)
class Break:
    """One thing that is wrong: the way, and the object or objects that fail of their own because of it.

    ``thing`` is what several objects share (a host, a Secret, a webhook), or the one object's own name. ``first``: a source
    that never had an artifact.
    """

    way: Way
    thing: str
    targets: tuple[Ref, ...]
    first: bool = False

    def __str__(self) -> str:
        return f"{self.way.name} of {self.thing}{' (first)' if self.first else ''}"


def possible(fleet: Fleet) -> list[Break]:
    """Return everything that can be broken in a fleet."""
    found = [b for s in fleet.sources for b in _of_source(s, fleet)]
    found += [b for layer in fleet.layers for b in _of_layer(layer)]
    found += [b for release in fleet.releases for b in _of_release(release, fleet)]
    return list(dict.fromkeys([*found, *_shared(fleet), *_cycles(fleet)]))


def _of_source(source: Source, fleet: Fleet) -> list[Break]:
    if source.reads:
        return [Break(GENERATOR, str(source.generator), (source.generator,), first) for first in (False, True)]
    way = {"GitRepository": BRANCH, "HelmRepository": INDEX, "OCIRepository": TAG, "Bucket": BUCKET}[source.ref.kind]
    found = [Break(way, str(source.ref), (source.ref,), first) for first in (False, True)]
    read = {layer.source for layer in fleet.layers} | {made.reads for made in fleet.sources}
    if (
        source.ref.kind == "GitRepository" and source.ref in read
    ):  # one that nobody reads from is worth no more than a note
        found += [Break(SUSPENDED, str(source.ref), (source.ref,), first) for first in (False, True)]
    if source.ref.kind in HOST_WORDS:
        same = tuple(s.ref for s in fleet.sources if s.host == source.host and s.ref.kind == source.ref.kind)
        found.append(Break(HOST, source.host, same))
    if source.ref.kind == "GitRepository":  # one host refuses one Secret, whichever repository it is for
        same = tuple(s.ref for s in fleet.sources if (s.host, s.secret) == (source.host, source.secret))
        found += [Break(LOGIN, f"{source.host} {source.secret}", same, first) for first in (False, True)]
    if source.secret:
        same = tuple(s.ref for s in fleet.sources if s.secret == source.secret)
        found.append(Break(SECRET, source.secret, same))
    return found


def _one(way: Way, ref: Ref) -> Break:
    return Break(way, str(ref), (ref,))


def _of_layer(layer: Layer) -> list[Break]:
    found = [_one(way, layer.ref) for way in (*LAYER, DEPENDENCY["Kustomization"])]
    if layer.workload and layer.wait:
        found.append(_one(CRASH, layer.ref))
    return found


def _of_release(release: Release, fleet: Fleet) -> list[Break]:
    found = [_one(way, release.ref) for way in (*RELEASE, DEPENDENCY["HelmRelease"])]
    if release.chart:
        found.append(_one(VERSION, release.ref))
    if release.values:
        namespace = release.ref.namespace
        same = tuple(r.ref for r in fleet.releases if r.values and r.ref.namespace == namespace)
        found.append(Break(VALUES, f"{namespace}/{release.values}", same))
    return found


def _shared(fleet: Fleet) -> list[Break]:
    found = [Break(way, way.name, tuple(layer.ref for layer in fleet.layers[::2])) for way in (WEBHOOK, CRD)]
    for namespace in sorted({layer.ref.namespace for layer in fleet.layers if layer.keys}):
        same = tuple(layer.ref for layer in fleet.layers if layer.keys and layer.ref.namespace == namespace)
        found.append(Break(KEYS, f"{namespace}/keys", same))
    readers = tuple(layer.ref for layer in fleet.layers if layer.variables)
    return [*found, Break(VARIABLES, "vars", readers)] if readers else found


def _cycles(fleet: Fleet) -> list[Break]:
    """An earlier layer is made to depend on a later one that depends on it; all that lies between them is in the circle.

    Where a parent waits for one of them the deadlock is a second one, through the health check: those are left out.
    """
    needs = {layer.ref: layer.depends for layer in fleet.layers}
    found = []
    for layer in fleet.layers:
        for first in layer.depends:
            circle = tuple(r for r in needs if r in below(layer.ref, needs) and first in below(r, needs))
            closed = {**needs, first: (*needs[first], layer.ref)}
            waiting = [(one.ref, child) for one in fleet.layers if one.wait for child in one.children]
            if not any(parent in below(child, closed) for parent, child in waiting):
                found.append(Break(CYCLE, f"{first.name} {layer.ref.name}", circle))
    return found


def below(ref: Ref, needs: Mapping[Ref, Sequence[Ref]]) -> set[Ref]:
    """Return an object and all that it needs."""
    seen, todo = {ref}, [ref]
    while todo:
        for other in needs.get(todo.pop(), ()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


@st.composite
def breaks(draw: st.DrawFn, fleet: Fleet, most: int) -> tuple[Break, ...]:
    """Draw up to so many breaks; one object is broken in one way only, since a controller tells of one failure."""
    chosen: list[Break] = []
    number = draw(st.integers(0, most))
    for one in draw(st.lists(st.sampled_from(possible(fleet)), min_size=number, max_size=number, unique=True)):
        taken = {ref for b in chosen for ref in b.targets}
        cycles = one.way is CYCLE and any(b.way is CYCLE for b in chosen)
        if not taken & set(one.targets) and not cycles:
            chosen.append(one)
    return tuple(chosen)
