"""A workload that Flux applies has a pod whose image cannot be pulled."""

import re
from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Failure, Failures, Graph, Problem, Ref, Resource
from fluxdoctor_rules.cluster import _pods

_IMAGE = re.compile(r'image "(?P<image>[^"]+)"(?:: (?P<why>.*))?', re.S)


def check(cluster: Cluster, graph: Graph, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Read the pods of every workload that Flux applies; after a rollback only the events of the pod are left."""
    for workload, pods in _pods.workloads(cluster, graph):
        for one in _pods.stuck(cluster, pods):
            minute = _pods.is_old(one.pod, clock.taken, timedelta(minutes=1))
            if one.reason in _pods.PULL and (one.reason != "ErrImagePull" or minute):
                yield _problem(workload, one, _pods.waiting(workload, graph, failures))
                break
    for failure, workload_ref, event in _pods.gone(cluster, failures, graph, ("Failed",)):
        if found := _IMAGE.search(event.message):
            yield _rolled_back(failure, workload_ref, found, event.message)


def _why(text: str) -> str:
    """The registry's last words: what stands before them repeats the image."""
    return " ".join(text.split()).rpartition(": ")[2]


def _problem(workload: Resource, one: _pods.Stuck, waits: tuple[Ref, ...]) -> Problem:
    why = _IMAGE.search(one.text)
    said = _why((why["why"] if why else "") or "")
    facts = {
        "container": f"container {one.container}",
        "image": one.image,
        "pod": one.pod.ref.named,
        "why": f" ({said})" if said else "",
        "rolled": "",
    }
    proof = Evidence(f"{one.reason}: {one.text}", f"{one.pod.ref} status")
    return Problem(workload.ref, facts, evidence=(proof,), field=f"{one.field}.image", explains=waits)


def _rolled_back(failure: Failure, workload: Ref, found: re.Match[str], text: str) -> Problem:
    facts = {
        "container": f"a container of {workload}",
        "image": found["image"],
        "pod": workload.named,
        "why": f" ({_why(found['why'])})" if found["why"] else "",
        "rolled": _pods.taken_back(failure),
    }
    release = failure.resource
    field = _tag(release, "spec.values", found["image"].rpartition(":")[2]) or "spec.values"
    return Problem(release.ref, facts, evidence=(Evidence(text, "event on its pod"),), field=field)


def _tag(release: Resource, path: str, tag: str) -> str:
    """Return the value that is the image's tag, or ""."""
    for key in release.keys(path):
        inner = f"{path}.{key}"
        if "." not in key and (release.text(inner) == tag or (deeper := _tag(release, inner, tag))):
            return inner if release.text(inner) == tag else deeper
    return ""
