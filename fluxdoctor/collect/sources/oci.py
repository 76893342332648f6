"""Reads tags, manifests, signatures and charts from OCI registries."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fluxdoctor.collect import fan_out
from fluxdoctor.collect.charts import chart_archive
from fluxdoctor.collect.fan_out import Request, Result
from fluxdoctor.collect.net.address import Address, parse
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.http import Access, Client
from fluxdoctor.collect.probe_context import ProbeContext, SourceResults, probe_gap
from fluxdoctor.collect.sources import access, docker_config
from fluxdoctor.collect.sources.docker_config import RegistryLogin
from fluxdoctor.collect.sources.registry import RegistryRepository
from fluxdoctor.model import go_regex, semver
from fluxdoctor.model.charts import Archive, Chart
from fluxdoctor.model.gaps import FileScope, Gap, GapReason
from fluxdoctor.model.oci import OciManifest
from fluxdoctor.model.probes import Answer, Probe
from fluxdoctor.model.resource import Ref, Resource

_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_SCHEME = "oci://"
#: Errors of the host. If one chart of a repository gets such an error, it is the answer of the repository.
_HOST_ANSWERS = frozenset(Answer) - {Answer.OK, Answer.NOT_FOUND, Answer.EMPTY}


@dataclass(frozen=True)
class OciResults(SourceResults):
    """The tags and manifests of OCIRepositories (by requested tag or digest), and the tags of charts by HelmRepository."""

    tags: Mapping[Ref, Sequence[str]] = field(default_factory=dict)
    manifests: Mapping[Ref, Mapping[str, OciManifest]] = field(default_factory=dict)
    charts: Mapping[Ref, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    archives: Mapping[Archive, Chart] = field(default_factory=dict)


@dataclass(frozen=True)
class _Image:
    """A repository of a registry, and its credentials."""

    source: Resource
    registry: Address
    name: str
    access: Access
    login: RegistryLogin

    @property
    def target(self) -> str:
        return f"{_SCHEME}{self.registry.authority}/{self.name}"


@dataclass(frozen=True)
class _RegistryFacts:
    tags: tuple[str, ...] | None = None
    manifests: Mapping[str, OciManifest] = field(default_factory=dict)
    charts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    archives: Mapping[tuple[str, str], Chart | str] = field(default_factory=dict)
    """By name and version: the chart, or why it could not be read."""


def collect(
    sources: Sequence[Resource],
    charts: Mapping[Ref, frozenset[str]],
    context: ProbeContext,
    *,
    archives: Collection[Archive] = (),
) -> OciResults:
    """Read OCIRepositories and HelmRepositories of type oci. Raises nothing: errors are in the probes.

    ``charts``: names of charts by HelmRepository. ``archives``: charts to pull.
    """
    pulls: dict[Ref, frozenset[tuple[str, str]]] = {}
    for ref, name, version in archives:
        pulls[ref] = pulls.get(ref, frozenset()) | {(name, version)}
    images: dict[Ref, _Image] = {}
    refusals: dict[Ref, tuple[str, UnreachableError]] = {}
    for source in sources:
        try:
            images[source.ref] = _to_image(source, context)
        except UnreachableError as error:
            refusals[source.ref] = (_display_url(source), error)
    questions = [
        Request(ref, image.target, (*_request_key(image), charts.get(ref, frozenset()), pulls.get(ref, frozenset())))
        for ref, image in images.items()
    ]

    def answer(group: tuple[Request, ...]) -> Result[_RegistryFacts]:
        image = images[group[0].source]
        with Client(context, image.access) as client:
            if image.source.kind == "HelmRepository":
                ref = image.source.ref
                return _ask_charts(client, image, charts.get(ref, frozenset()), pulls.get(ref, frozenset()))
            return _ask_artifact(client, image, pulls.get(image.source.ref, frozenset()))

    probes, results = fan_out.ask(questions, answer, context)
    return OciResults(
        probes | fan_out.refusal_probes(refusals, context),
        (*_gaps(probes), *_chart_gaps(results)),
        {ref: facts.tags for ref, facts in results.items() if facts.tags is not None},
        {ref: facts.manifests for ref, facts in results.items() if facts.manifests},
        {ref: facts.charts for ref, facts in results.items() if facts.charts},
        {
            (ref, *chart_id): chart
            for ref, facts in results.items()
            for chart_id, chart in facts.archives.items()
            if isinstance(chart, Chart)
        },
    )


def _gaps(probes: Mapping[Ref, Probe]) -> tuple[Gap, ...]:
    return tuple(
        probe_gap(f"oci/{ref.namespace}/{ref.name}.yaml", probe)
        for ref, probe in sorted(probes.items())
        if probe.answer not in (Answer.OK, Answer.NOT_FOUND, Answer.EMPTY)
    )


def _chart_gaps(results: Mapping[Ref, _RegistryFacts]) -> Iterator[Gap]:
    for ref, facts in sorted(results.items(), key=lambda item: item[0]):
        for (name, version), chart in sorted(facts.archives.items()):
            if isinstance(chart, str):
                below = f"{ref.namespace}/{ref.name}"
                is_helm = ref.kind == "HelmRepository"
                path = f"helm/{below}/charts/{name}-{version}.tgz" if is_helm else f"oci/{below}/chart.tgz"
                yield Gap(FileScope(path), GapReason.UNAVAILABLE, chart)


def _display_url(source: Resource) -> str:
    """Return the URL of a source without credentials."""
    host, slash, path = source.text("spec.url").removeprefix(_SCHEME).partition("?")[0].partition("/")
    return f"{_SCHEME}{host.rpartition('@')[2]}{slash}{path}" if "@" not in path else _SCHEME


def _request_key(image: _Image) -> tuple[object, ...]:
    """Return the identity of the request for an image: what is read, and with which credentials."""
    source = image.source
    fields = [
        source.text(f"spec.{name}")
        for name in ("ref.tag", "ref.digest", "ref.semver", "ref.semverFilter", "verify.provider")
    ]
    login = (image.login.username, image.login.password, image.login.token)
    is_chart = source.text("spec.layerSelector.mediaType") == _CHART
    is_insecure = source.flag("spec.insecure")
    return (image.target, source.kind, *fields, is_chart, is_insecure, login, image.access.key)


def _to_image(source: Resource, context: ProbeContext) -> _Image:
    url = source.text("spec.url")
    if not url.startswith(_SCHEME):
        raise UnreachableError(Answer.NOT_CONTACTED, "spec.url does not begin with oci://")
    registry = parse(f"https://{url.removeprefix(_SCHEME)}")
    name = registry.target.partition("?")[0].strip("/")
    if not re.fullmatch(r"[\w./-]*", name) or registry.user or "?" in url or ".." in url:
        raise UnreachableError(Answer.NOT_CONTACTED, "spec.url is not oci://<registry>/<repository>")
    pull_secrets = access.pull_secrets(source, context) if source.kind == "OCIRepository" else []
    if not pull_secrets and not source.has("spec.secretRef"):  # a cloud identity is used only without another login
        access.require_generic_provider(source)
    if registry.host in ("docker.io", docker_config.HUB):
        registry = replace(registry, host=docker_config.HUB)
        name = name if "/" in name or source.kind == "HelmRepository" else f"library/{name}"
    is_insecure = source.flag("spec.insecure")
    certificates = access.secret(source, "spec.certSecretRef", context)
    # Only an insecure OCIRepository accepts any certificate (source-controller 1.9, getTLSConfig).
    verify = not (is_insecure and source.kind == "OCIRepository" and certificates is None)
    login = (
        docker_config.find_login(f"{registry.authority}/{name}", *pull_secrets)
        if pull_secrets
        else _login(source, registry, context)
    )
    image_access = Access(tls=access.tls_material(certificates), proxy=access.proxy(source, context), verify=verify)
    return _Image(source, registry.at("/"), name, image_access, login)


def _login(source: Resource, registry: Address, context: ProbeContext) -> RegistryLogin:
    """Return the login of a HelmRepository. An OCIRepository without pull Secrets has none."""
    secret = access.secret(source, "spec.secretRef", context)
    if secret is None:
        return RegistryLogin()
    if secret.type == "kubernetes.io/dockerconfigjson":
        registry_login = docker_config.login_for_host(secret, registry.authority)
        if registry_login is None:
            raise UnreachableError(
                Answer.UNKNOWN, f"the Secret has no login for {registry.authority}, but the controller requires one"
            )
        return registry_login
    return RegistryLogin(*access.login(secret, "username", "password"))


def _choose_scheme(client: Client, image: _Image) -> Address:
    """Choose https or http as go-containerregistry does: https first, then http if the source is insecure."""
    registry = image.registry
    if not image.source.flag("spec.insecure"):
        return registry
    try:
        client.get(registry.at("/v2/"))
    except UnreachableError as error:
        if error.answer in (Answer.TLS, Answer.REFUSED, Answer.TIMEOUT):
            return replace(registry, scheme="http", port=80 if registry.port == 443 else registry.port)  # noqa: PLR2004 - HTTP
        raise
    return registry


def _ask_artifact(client: Client, image: _Image, chart_ids: frozenset[tuple[str, str]]) -> Result[_RegistryFacts]:
    """Read the manifest of an OCIRepository, and the tags: for a version range, and for suggestions in reports."""
    repository = RegistryRepository(client, _choose_scheme(client, image), image.name, image.login)
    spec = image.source.fields("spec.ref")
    tags: tuple[str, ...] | None = None
    try:
        tags = repository.tags()
    except UnreachableError as error:
        if error.answer is not Answer.NOT_FOUND and (error.answer is not Answer.AUTHENTICATION or spec.text("semver")):
            raise
        if spec.text("semver") and not spec.text("digest"):
            return Result(error.answer, error.detail)
    reference = spec.text("digest") or _tag_in_range(image.source, tags or ()) or spec.text("tag") or "latest"
    if spec.text("semver") and not spec.text("digest") and not _tag_in_range(image.source, tags or ()):
        return Result(Answer.OK, f"{len(tags or ())} tags, none in the range", _RegistryFacts(tags))
    try:
        manifest = repository.manifest(reference)
    except UnreachableError as error:
        return Result(error.answer, error.detail, _RegistryFacts(tags))
    if image.source.has("spec.verify"):
        manifest = replace(manifest, signatures=_signatures(repository, manifest.digest, tags))
    archives = {chart_id: _read_chart(repository, chart_id[1].rpartition("@")[2]) for chart_id in sorted(chart_ids)}
    return Result(
        Answer.OK, f"{reference} is {manifest.digest}", _RegistryFacts(tags, {reference: manifest}, archives=archives)
    )


def _signatures(repository: RegistryRepository, digest: str, tags: tuple[str, ...] | None) -> tuple[str, ...] | None:
    try:
        return repository.signatures(digest, tags)
    except UnreachableError:
        return None


def _tag_in_range(source: Resource, tags: Sequence[str]) -> str:
    """Return the tag that a version range selects, "" without a range or a matching tag (source-controller 1.9)."""
    constraint = source.text("spec.ref.semver")
    if not constraint:
        return ""
    is_chart = source.text("spec.layerSelector.mediaType") == _CHART
    try:
        tags = go_regex.filtered(source.text("spec.ref.semverFilter"), tags)
        versions = {(t.replace("_", "+") if is_chart else t): t for t in tags}
        matches = semver.satisfying(constraint, versions)
    except (go_regex.InvalidRegexError, go_regex.RegexLimitError, semver.InvalidConstraint):
        return ""
    return versions[matches[0]] if matches else ""


def _ask_charts(
    client: Client, image: _Image, names: frozenset[str], chart_ids: frozenset[tuple[str, str]]
) -> Result[_RegistryFacts]:
    """Read the tags of each chart. A repository without a requested chart is only checked to be a registry."""
    registry = _choose_scheme(client, image)
    if not names:
        return _check_registry(client, registry)
    tags_by_chart: dict[str, tuple[str, ...]] = {}
    worst: UnreachableError | None = None
    for name in sorted(names):
        try:
            if not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*", name):
                continue
            path = f"{image.name}/{name}".strip("/")
            tags_by_chart[name] = RegistryRepository(client, registry, path, image.login).tags()
        except UnreachableError as error:
            worst = error if worst is None or error.answer in _HOST_ANSWERS else worst
            if error.answer not in (Answer.NOT_FOUND, Answer.AUTHENTICATION):
                break
    archives = {key: _pull_chart(client, registry, image, *key) for key in sorted(chart_ids)}
    facts = _RegistryFacts(charts=tags_by_chart, archives=archives)
    if worst is None:
        return Result(Answer.OK, f"{len(tags_by_chart)} {'chart' if len(tags_by_chart) == 1 else 'charts'}", facts)
    return Result(worst.answer, worst.detail, facts)


def _pull_chart(client: Client, registry: Address, image: _Image, name: str, version: str) -> Chart | str:
    """Pull one chart. In its tag Helm replaces the + of the version by _."""
    repository = RegistryRepository(client, registry, f"{image.name}/{name}".strip("/"), image.login)
    return _read_chart(repository, version.replace("+", "_"))


def _read_chart(repository: RegistryRepository, reference: str) -> Chart | str:
    """Pull the chart layer of a manifest, or return why that is not possible."""
    try:
        manifest = repository.manifest(reference)
        layer = next((entry for entry in manifest.layers if entry.media_type == _CHART), None)
        if layer is None:
            return "its manifest has no Helm chart layer"
        return chart_archive.read(repository.blob(layer.digest, chart_archive.MAX_PACKED))
    except (UnreachableError, chart_archive.ChartError) as error:
        return str(error)


def _check_registry(client: Client, registry: Address) -> Result[_RegistryFacts]:
    response = client.get(registry.at("/v2/"))
    if response.ok or response.headers.get("www-authenticate"):
        return Result(Answer.OK, "the registry answers; no chart was requested")
    raise response.refusal()
