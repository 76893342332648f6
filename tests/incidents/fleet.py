"""A healthy fleet: sources, Kustomizations that depend on each other, releases, and what they read."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from fluxdoctor.model.resource import Ref

FLUX = "flux-system"
NAMESPACES = ("apps", "data", "edge")
HOSTS = ("git.example.com", "code.example.net")
CHART_HOSTS = ("charts.example.com", "helm.example.net")


@dataclass(frozen=True)
class Source:
    """A GitRepository, HelmRepository, OCIRepository, Bucket or ExternalArtifact; ``secret`` is the Secret it logs in with.

    ``reads`` is the source that the generator of an ExternalArtifact reads from.
    """

    ref: Ref
    host: str
    secret: str = ""
    reads: Ref | None = None

    @property
    def generator(self) -> Ref:
        return Ref("ArtifactGenerator", self.ref.namespace, self.ref.name)

    @property
    def url(self) -> str:
        scheme = "oci" if self.ref.kind == "OCIRepository" else "https"
        return f"{scheme}://{self.host}/acme/{self.ref.name}{'.git' if self.ref.kind == 'GitRepository' else ''}"


@dataclass(frozen=True)
class Layer:
    """A Kustomization: what it is built from, waits for, applies (earlier layers, releases, a Deployment) and reads."""

    ref: Ref
    source: Ref
    depends: tuple[Ref, ...] = ()
    wait: bool = False
    variables: str = ""
    children: tuple[Ref, ...] = ()
    workload: bool = False
    keys: str = ""
    """The Secret that it decrypts with, "" for none."""

    @property
    def deployment(self) -> Ref:
        return Ref("Deployment", "apps", self.ref.name)


@dataclass(frozen=True)
class Release:
    """A HelmRelease: its chart from a HelmRepository (through a HelmChart) or an OCIRepository, what it waits for and reads."""

    ref: Ref
    source: Ref
    depends: tuple[Ref, ...] = ()
    values: str = ""

    @property
    def chart(self) -> Ref | None:
        if self.source.kind == "OCIRepository":
            return None
        return Ref("HelmChart", self.source.namespace, f"{self.ref.namespace}-{self.ref.name}")


@dataclass(frozen=True)
class Fleet:
    """All of it. Layers and releases stand in an order in which each needs only earlier ones."""

    sources: tuple[Source, ...]
    layers: tuple[Layer, ...]
    releases: tuple[Release, ...]

    def source(self, ref: Ref) -> Source:
        return next(s for s in self.sources if s.ref == ref)

    def parent(self, ref: Ref) -> Ref | None:
        return next((layer.ref for layer in self.layers if ref in layer.children), None)


def _sources(
    draw: st.DrawFn, names: tuple[str, str], hosts: tuple[str, ...], number: st.SearchStrategy[int]
) -> list[Source]:
    kind, stem = names
    found = []
    for i in range(draw(number)):
        secret = draw(st.sampled_from(["", "", "login", "robot"])) if kind == "GitRepository" else ""
        found.append(Source(Ref(kind, FLUX, f"{stem}{i}"), draw(st.sampled_from(hosts)), secret))
    return found


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Draw a fleet of up to some twenty objects."""
    git = _sources(draw, ("GitRepository", "repo"), HOSTS, st.integers(1, 3))
    helm = _sources(draw, ("HelmRepository", "charts"), CHART_HOSTS, st.integers(0, 2))
    oci = _sources(draw, ("OCIRepository", "image"), ("registry.example.com",), st.integers(0, 1))
    buckets = _sources(draw, ("Bucket", "bucket"), ("s3.example.com",), st.integers(0, 1))
    made = [
        Source(Ref("ExternalArtifact", FLUX, f"part{i}"), "", "", draw(st.sampled_from([s.ref for s in git])))
        for i in range(draw(st.integers(0, 1)))
    ]
    releases: list[Release] = []
    for i in range(draw(st.integers(0, 4)) if helm or oci else 0):
        earlier = [r.ref for r in releases]
        namespace = draw(st.sampled_from(NAMESPACES))
        taken = (namespace, f"release{i % 2}") in {(r.namespace, r.name) for r in earlier}
        releases.append(
            Release(  # the same names in several namespaces
                Ref("HelmRelease", namespace, f"release{i}" if taken else f"release{i % 2}"),
                draw(st.sampled_from([s.ref for s in (*helm, *oci)])),
                tuple(draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2)) if earlier else ()),
                draw(st.sampled_from(["", "", "defaults"])),
            )
        )
    layers = _layers(draw, [*git, *buckets, *made], releases)
    return Fleet((*git, *buckets, *made, *helm, *oci), tuple(layers), tuple(releases))


def _layers(draw: st.DrawFn, sources: list[Source], releases: list[Release]) -> list[Layer]:
    """Each release is applied by one layer; a later layer may apply an earlier one. Some belong to a tenant's namespace."""
    layers: list[Layer] = []
    free = [r.ref for r in releases]
    for i in range(draw(st.integers(1, 6))):
        earlier = [layer.ref for layer in layers]
        taken = {c for layer in layers for c in layer.children}
        choice = [*[ref for ref in free if ref not in taken], *[ref for ref in earlier if ref not in taken]]
        namespace = draw(st.sampled_from([FLUX, FLUX, NAMESPACES[0]]))
        layers.append(
            Layer(
                Ref("Kustomization", namespace, f"layer{i}"),
                draw(st.sampled_from([s.ref for s in sources])),
                tuple(draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2)) if earlier else ()),
                draw(st.booleans()),
                draw(st.sampled_from(["", "", "vars"])) if namespace == FLUX else "",
                tuple(draw(st.lists(st.sampled_from(choice), unique=True, max_size=3)) if choice else ()),
                draw(st.booleans()),
                draw(st.sampled_from(["", "", "keys"])),
            )
        )
    return layers
