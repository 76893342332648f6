"""What the controllers write about a broken fleet: conditions in their message grammar, and the objects around them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.model.flux import BUILT_IN, KINDS
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from tests.incidents import breaks as b
from tests.incidents import objects
from tests.incidents.breaks import Break, Stage
from tests.incidents.fleet import FLUX, Fleet, Layer, Release, Source


@dataclass(frozen=True)
class Words:
    """What a controller says of an object that fails: how far it came, and for which objects it waits."""

    stage: Stage
    reason: str
    message: str
    waits: tuple[Ref, ...] = ()
    own: Break | None = None


@dataclass
class World:
    """A broken fleet as its controllers see it."""

    fleet: Fleet
    broken: tuple[Break, ...]
    failing: dict[Ref, Words] = field(default_factory=dict)
    empty: set[Ref] = field(default_factory=set)
    """Sources and charts without any artifact."""
    absent: set[Ref] = field(default_factory=set)
    """ExternalArtifacts that were never made: a generator makes them at its first build (source-watcher 2.2)."""

    def own(self, ref: Ref) -> Break | None:
        return next((one for one in self.broken if ref in one.targets), None)

    def depends(self, layer: Layer | Release) -> tuple[Ref, ...]:
        """spec.dependsOn, with what a break added to it."""
        one = self.own(layer.ref)
        if one and one.way.name == "dependency":
            return (*layer.depends, Ref(layer.ref.kind, layer.ref.namespace, f"no-{layer.ref.name}"))
        if one and one.way is b.CYCLE and layer.ref == one.targets[0]:
            return (*layer.depends, one.targets[-1])
        return layer.depends

    def snapshot(self) -> Snapshot:
        """Return it as a snapshot in full sight."""
        kinds = sorted({*KINDS, *BUILT_IN, "ValidatingWebhookConfiguration"} - {"CustomResourceDefinition", "Event"})
        listed = "".join(f"- {{kind: {kind}, namespaces: all}}\n" for kind in kinds)
        about = f"format: 1\ntaken: '{objects.TAKEN}'\nlisted:\n{listed}"
        items = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(_items(self))})
        return snapshot_folder.parse(
            {"snapshot.yaml": about.encode(), "cluster/objects.json": items.encode()}, "generated"
        )


def observe(fleet: Fleet, broken: tuple[Break, ...]) -> World:
    """Work out, in the order of need, what each controller says."""
    world = World(fleet, broken)
    for source in fleet.sources:
        _source(source, world)
    for release in fleet.releases:
        _release(release, world)
    for one in broken:
        if one.way is b.CYCLE:  # known first: all of them wait for each other, whatever else is wrong with them
            for ref in one.targets:
                world.failing[ref] = Words(Stage.DEPENDENCIES, "DependencyNotReady", "", own=one)
    for layer in fleet.layers:
        _layer(layer, world)
    return world


def _fill(message: str, ref: Ref, **more: str) -> str:
    return message.format(namespace=ref.namespace, name=ref.name, **more)


def _generator(source: Source, world: World) -> None:
    one, ref = world.own(source.generator), source.generator
    if source.reads in world.empty:
        message = f"get sources failed: source '{source.reads}' is not ready"
        world.failing[ref] = Words(Stage.SOURCE, "SourceFetchFailed", message, (source.reads,))
        world.absent.add(source.ref)
    if one:  # it looks at its own spec first
        world.failing[ref] = Words(Stage.SOURCE, one.way.reason, one.way.message, own=one)
        world.absent |= {source.ref} if one.first else set()


def _source(source: Source, world: World) -> None:
    if source.reads:
        _generator(source, world)
        return
    one = world.own(source.ref)
    if one is None:
        return
    if one.way is b.SUSPENDED:  # its status stays as it was: nobody looks at it
        world.empty |= {source.ref} if one.first else set()
        return
    reason, message = b.HOST_WORDS[source.ref.kind] if one.way is b.HOST else (one.way.reason, one.way.message)
    message = _fill(message, source.ref, url=source.url, secret=source.secret)
    world.failing[source.ref] = Words(Stage.SOURCE, reason, message, own=one)
    if one.first:
        world.empty.add(source.ref)


def _own(ref: Ref, world: World, stage: Stage) -> Words | None:
    one = world.own(ref)
    if one is None or one.way.stage is not stage or one.way is b.CYCLE:
        return None
    return Words(stage, one.way.reason, _fill(one.way.message, ref), own=one)


def _waits(thing: Layer | Release, world: World) -> Words | None:
    """The first dependency that is not there or not ready is what the controllers name."""
    late = [ref for ref in world.depends(thing) if ref in world.failing]
    if late:
        return Words(
            Stage.DEPENDENCIES, "DependencyNotReady", f"dependency '{late[0].named}' is not ready", tuple(late)
        )
    return _own(thing.ref, world, Stage.DEPENDENCIES)


def _chart(release: Release, world: World) -> Words | None:
    chart, one = release.chart, world.own(release.ref)
    if chart is None:
        if release.source not in world.empty:
            return None
        message = f"OCIRepository '{release.source.named}' is not ready: does not have an artifact"
        return Words(Stage.CHART, "SourceNotReady", message, (release.source,))
    if release.source in world.empty:
        message = f"no artifact available for HelmRepository source '{release.source.name}'"
        world.failing[chart] = Words(Stage.CHART, "NoSourceArtifact", message, (release.source,))
    elif one and one.way is b.VERSION:
        world.failing[chart] = Words(Stage.CHART, one.way.reason, _fill(one.way.message, release.ref), own=one)
    else:
        return None
    world.empty.add(chart)
    message = f"HelmChart '{chart.named}' is not ready: {world.failing[chart].message}"
    return Words(Stage.CHART, "SourceNotReady", message, (chart,), own=world.failing[chart].own)


def _release(release: Release, world: World) -> None:
    chart = _chart(release, world)
    said = (
        _waits(release, world)
        or chart
        or _own(release.ref, world, Stage.VALUES)
        or _own(release.ref, world, Stage.APPLY)
    )
    if said:
        world.failing[release.ref] = said


def _layer(layer: Layer, world: World) -> None:
    ref = layer.ref
    if layer.source in world.absent:
        words = f"Source '{layer.source}' not found"
        said: Words | None = Words(
            Stage.ARTIFACT, "ArtifactFailed", words, (world.fleet.source(layer.source).generator,)
        )
    elif layer.source in world.empty:
        said = Words(Stage.ARTIFACT, "ArtifactFailed", "Source artifact not found, retrying in 30s", (layer.source,))
    else:
        said = (
            _waits(layer, world)
            or _own(ref, world, Stage.BUILD)
            or _own(ref, world, Stage.APPLY)
            or _health(layer, world)
        )
    if said:
        circle = world.failing.get(ref)
        own = circle.own if circle and said.stage is Stage.DEPENDENCIES else said.own
        world.failing[ref] = Words(said.stage, said.reason, said.message, said.waits, own)


def _health(layer: Layer, world: World) -> Words | None:
    if not layer.wait:
        return None
    late = [ref for ref in layer.children if ref in world.failing]
    one = world.own(layer.ref)
    crashes = one is not None and one.way is b.CRASH
    named = [*late, layer.deployment] if crashes else late
    if not named:
        return None
    listed = ", ".join(f"{ref} status: 'InProgress'" for ref in named)
    message = f"health check failed after 1m0.01s: timeout waiting for: [{listed}]"
    return Words(Stage.HEALTH, "HealthCheckFailed", message, tuple(late), own=one if crashes else None)


def _items(world: World) -> Iterable[dict[str, Any]]:
    """Every object of the cluster."""
    fleet = world.fleet
    yield from objects.namespaces()
    yield from objects.controllers()
    lost = {one.thing for one in world.broken if one.way is b.SECRET}
    for name in sorted({s.secret for s in fleet.sources if s.secret} - lost):
        yield objects.secret(Ref("Secret", FLUX, name))
    lost = {one.thing for one in world.broken if one.way is b.KEYS}
    for namespace in sorted({layer.ref.namespace for layer in fleet.layers if layer.keys}):
        if f"{namespace}/keys" not in lost:
            yield objects.keys(Ref("Secret", namespace, "keys"))
    if not any(one.way is b.VARIABLES for one in world.broken):
        yield objects.config(Ref("ConfigMap", FLUX, "vars"))
    yield from _of_sources(world)
    for release in fleet.releases:
        yield from _of_release(release, world)
    for layer in fleet.layers:
        one = world.own(layer.ref)
        spec = objects.layer_spec(layer, world.depends(layer))
        status = objects.applied(layer, bare=layer.source in world.empty | world.absent)
        yield objects.flux(layer.ref, spec, fleet.parent(layer.ref), world.failing.get(layer.ref), status)
        if layer.workload:
            yield from objects.workload(layer, crashes=one is not None and one.way is b.CRASH)


def _of_sources(world: World) -> Iterable[dict[str, Any]]:
    fleet = world.fleet
    for source in (s for s in fleet.sources if s.reads):
        ref = source.generator
        yield objects.flux(ref, objects.generator_spec(source), None, world.failing.get(ref), {})
    for source in (s for s in fleet.sources if s.ref not in world.absent):
        said, spec = world.failing.get(source.ref), objects.source_spec(source)
        one = world.own(source.ref)
        if one and one.way is b.SUSPENDED:
            spec["suspend"] = True
        yield objects.flux(source.ref, spec, fleet.parent(source.ref), said, objects.artifact(source.ref, world.empty))


def _of_release(release: Release, world: World) -> Iterable[dict[str, Any]]:
    one, parent = world.own(release.ref), world.fleet.parent(release.ref)
    version = "9.9.9" if one and one.way is b.VERSION else "1.2.x"
    spec = objects.release_spec(release, world.depends(release), version)
    yield objects.flux(release.ref, spec, parent, world.failing.get(release.ref), objects.released(release))
    if release.values and not (one and one.way is b.VALUES):
        yield objects.config(Ref("ConfigMap", release.ref.namespace, "defaults"))
    if release.chart:
        said = world.failing.get(release.chart)
        status = objects.artifact(
            release.chart, world.empty - ({release.chart} if one and one.way is b.VERSION else set())
        )
        yield objects.flux(release.chart, objects.chart_spec(release, version), release.ref, said, status)
