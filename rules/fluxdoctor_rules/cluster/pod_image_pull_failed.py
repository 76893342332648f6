"""A workload that Flux applies has a Pod whose image cannot be pulled."""

import re
from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Failure, Failures, Graph, Problem, Ref, Resource
from fluxdoctor_rules.cluster import _pods

_IMAGE = re.compile(r'image "(?P<image>[^"]+)"(?:: (?P<why>.*))?', re.S)


def check(cluster: Cluster, graph: Graph, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Read the Pods of every workload that Flux applies. After a rollback only the events of the Pod exist."""
    for workload, pods in _pods.workloads(cluster, graph):
        for one in _pods.stuck(cluster, pods):
            is_persistent = one.reason != "ErrImagePull" or _pods.is_old(one.pod, clock.taken, timedelta(minutes=1))
            if one.reason in _pods.PULL and is_persistent:
                yield _problem(workload, one, _pods.waiting(workload, graph, failures))
                break
    for failure, workload_ref, event in _pods.removed(cluster, failures, graph, ("Failed",)):
        if match := _IMAGE.search(event.message):
            yield _rolled_back(failure, workload_ref, match, event.message)


def _reason(text: str) -> str:
    """Return the last part of the registry's message: the parts before it repeat the image."""
    return " ".join(text.split()).rpartition(": ")[2]


def _problem(workload: Resource, one: _pods.Stuck, waiting: tuple[Ref, ...]) -> Problem:
    match = _IMAGE.search(one.text)
    reason = _reason((match["why"] if match else "") or "")
    facts = {
        "container": f"container {one.container}",
        "image": one.image,
        "pod": one.pod.ref.named,
        "why": f" ({reason})" if reason else "",
        "rolled": "",
    }
    proof = Evidence.field(f"{one.reason}: {one.text}", f"{one.pod.ref} status")
    return Problem(workload.ref, facts, evidence=(proof,), field=f"{one.field}.image", explains=waiting)


def _rolled_back(failure: Failure, workload: Ref, match: re.Match[str], text: str) -> Problem:
    facts = {
        "container": f"a container of {workload}",
        "image": match["image"],
        "pod": workload.named,
        "why": f" ({_reason(match['why'])})" if match["why"] else "",
        "rolled": _pods.remediation(failure),
    }
    release = failure.resource
    field = _tag(release, "spec.values", match["image"].rpartition(":")[2]) or "spec.values"
    return Problem(release.ref, facts, evidence=(Evidence.event(text, "event on its pod"),), field=field)


def _tag(release: Resource, path: str, tag: str) -> str:
    """Return the path of the value that is the tag of the image, or ""."""
    for key in release.keys(path):
        inner = f"{path}.{key}"
        if "." not in key and (release.text(inner) == tag or (deeper := _tag(release, inner, tag))):
            return inner if release.text(inner) == tag else deeper
    return ""
