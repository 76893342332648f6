"""The tags and manifests in OCI registries, by the source that names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fluxdoctor.model.resource import Ref


@dataclass(frozen=True, slots=True)
class OciLayer:
    """One layer of an OCI artifact; size in bytes."""

    media_type: str
    digest: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class OciManifest:
    """The manifest of a tag or digest. ``signatures``: the kinds of signatures that exist, None if that was not checked."""

    digest: str
    media_type: str = ""
    config_media_type: str = ""
    layers: tuple[OciLayer, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""
    signatures: tuple[str, ...] | None = None


class OciTags:
    """The tags and manifests of OCI repositories."""

    def __init__(
        self,
        tags: Mapping[Ref, Sequence[str]] | None = None,
        manifests: Mapping[Ref, Mapping[str, OciManifest]] | None = None,
        charts: Mapping[Ref, Mapping[str, Sequence[str]]] | None = None,
    ) -> None:
        """``tags``, and ``manifests`` by tag or digest, of OCIRepositories; ``charts``: tags by chart of HelmRepositories."""
        self.listed = {ref: tuple(names) for ref, names in (tags or {}).items()}
        self.manifests = {ref: dict(by_reference) for ref, by_reference in (manifests or {}).items()}
        self.charts = {
            ref: {chart: tuple(names) for chart, names in by_chart.items()} for ref, by_chart in (charts or {}).items()
        }

    def tags(self, source: Ref) -> tuple[str, ...] | None:
        """Return the tags that the registry listed; None if it was not queried."""
        return self.listed.get(source)

    def manifest(self, source: Ref, reference: str) -> OciManifest | None:
        """Return the manifest of a tag or digest; None if it was not read."""
        return self.manifests.get(source, {}).get(reference)

    def chart_tags(self, repository: Ref, chart: str) -> tuple[str, ...] | None:
        """Return the tags of a chart in a HelmRepository of type oci; None if they are unknown."""
        return self.charts.get(repository, {}).get(chart)
