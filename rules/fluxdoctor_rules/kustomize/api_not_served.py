"""A manifest asks for an API version or kind that the cluster does not serve."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Manifests, Problem, Resource, owner
from fluxdoctor_rules.kustomize import _said

_MATCH = re.compile(r'no matches for kind "(?P<kind>[^"]+)" in version "(?P<version>[^"]+)"')
_OBJECT = re.compile(_said.OBJECT + r" (?:dry-run|apply) failed")
#: Versions that Kubernetes dropped, and what took their place.
_BUILT_IN = {
    "CronJob": "batch/v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Ingress": "networking.k8s.io/v1",
    "MutatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
}


def check(cluster: Cluster, failures: Failures, manifests: Manifests | None) -> Iterator[Problem]:
    """Tell a kind that is not installed from a version that is no longer served: the CRD says which are."""
    for failure, found, proof in _said.refused(failures, "api", _MATCH):
        text = " ".join(" ".join(w.message for w in failure.words).split())
        named = _OBJECT.search(text)
        declared = _said.in_git(manifests, named["object"], failure.ref) if named else None
        kind, version = found["kind"], found["version"]
        served = _served(cluster, kind, version, manifests)
        yield Problem(
            failure.ref,
            {
                "object": named["object"] if named else kind,
                "version": f"{version} {kind}",
                "served": served,
            },
            evidence=(proof,),
            field="apiVersion" if declared else "spec.path",
            location=_said.place(declared, "apiVersion"),
            # One CRD to install, whoever asks for it; a version that is gone has to be changed in each manifest.
            shared="" if served.startswith(("; use", "; served", f"; {kind} is")) else f"{version} {kind}",
            confidence=Confidence.PROVEN if served else Confidence.REPORTED,
        )
    yield from _declared(cluster)


def _declared(cluster: Cluster) -> Iterator[Problem]:
    """Before a deploy: a Flux object whose version the CRD that stands in the same repository does not serve."""
    definitions = {
        (d.text("spec.group"), d.text("spec.names.kind")): d for d in cluster.all("CustomResourceDefinition") if d.file
    }
    for resource in cluster.flux if definitions else ():
        definition = definitions.get((resource.group, resource.text("kind")))
        applier = owner(resource)
        version = resource.api_version.rpartition("/")[2]
        if resource.file and definition and applier and version not in _versions(definition):
            served = ", ".join(f"{resource.group}/{v}" for v in _versions(definition)) or "none"
            yield Problem(
                applier,
                {
                    "object": str(resource.ref),
                    "version": f"{resource.api_version} {resource.text('kind')}",
                    "served": f"; served: {served}",
                },
                field="apiVersion",
                location=resource.at("apiVersion"),
                key=str(resource.ref),
            )


def _served(cluster: Cluster, kind: str, version: str, manifests: Manifests | None) -> str:
    group = version.partition("/")[0] if "/" in version else ""
    definitions = [d for d in cluster.all("CustomResourceDefinition") if d.text("spec.names.kind") == kind]
    for definition in definitions:
        if definition.text("spec.group") == group:
            return f"; served: {', '.join(f'{group}/{v}' for v in _versions(definition)) or 'none'}"
    if kind in _BUILT_IN:
        return f"; use {_BUILT_IN[kind]}"
    for definition in definitions:
        others = ", ".join(f"{definition.text('spec.group')}/{v}" for v in _versions(definition))
        return f"; {kind} is served as {others}"
    if not cluster.saw_all("CustomResourceDefinition"):
        return ""
    return f"; no CustomResourceDefinition for {kind} is installed{_maker(cluster, kind, group, manifests)}"


def _versions(definition: Resource) -> tuple[str, ...]:
    return tuple(row.text("name") for row in definition.rows("spec.versions") if row.flag("served"))


def _maker(cluster: Cluster, kind: str, group: str, manifests: Manifests | None) -> str:
    """The Kustomization whose files declare the CRD, where one does."""
    for kustomization in cluster.all("Kustomization") if manifests else ():
        built = manifests.build(kustomization) if manifests else None
        for resource in built.objects if built else ():
            ours = resource.kind == "CustomResourceDefinition" and resource.text("spec.group") == group
            if ours and resource.text("spec.names.kind") == kind:
                return f"; {kustomization.ref} declares it"
    return ""
