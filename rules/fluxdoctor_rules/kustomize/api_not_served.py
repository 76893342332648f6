"""A manifest uses an API version or kind that the cluster does not serve."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Manifests, Problem, Resource, owner
from fluxdoctor_rules.kustomize import _apply_errors

_MATCH = re.compile(r'no matches for kind "(?P<kind>[^"]+)" in version "(?P<version>[^"]+)"')
_OBJECT = re.compile(_apply_errors.OBJECT + r" (?:dry-run|apply) failed")
#: Kinds of which Kubernetes removed a version, and the version that replaced it.
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
    """Distinguish a kind that is not installed from a version that is no longer served; the CRD lists the served ones."""
    for failure, match, proof in _apply_errors.refused(failures, "api", _MATCH):
        text = " ".join(" ".join(w.message for w in failure.words).split())
        object_match = _OBJECT.search(text)
        declared = _apply_errors.in_git(manifests, object_match["object"], failure.ref) if object_match else None
        kind, version = match["kind"], match["version"]
        served = _served(cluster, kind, version, manifests)
        yield Problem(
            failure.ref,
            {
                "object": object_match["object"] if object_match else kind,
                "version": f"{version} {kind}",
                "served": served,
            },
            evidence=(proof,),
            field="apiVersion" if declared else "spec.path",
            location=_apply_errors.place(declared, "apiVersion"),
            # One CRD fixes all objects of a kind; a removed version must be changed in every manifest.
            shared="" if served.startswith(("; use", "; served", f"; {kind} is")) else f"{version} {kind}",
            confidence=Confidence.PROVEN if served else Confidence.REPORTED,
        )
    yield from _declared(cluster)


def _declared(cluster: Cluster) -> Iterator[Problem]:
    """Before a deploy: Flux objects whose version is not served by the CRD in the same repository."""
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
    return f"; no CustomResourceDefinition for {kind} is installed{_declaration(cluster, kind, group, manifests)}"


def _versions(definition: Resource) -> tuple[str, ...]:
    return tuple(row.text("name") for row in definition.rows("spec.versions") if row.flag("served"))


def _declaration(cluster: Cluster, kind: str, group: str, manifests: Manifests | None) -> str:
    """Return a hint with the Kustomization whose files declare the CRD, or ""."""
    for kustomization in cluster.all("Kustomization") if manifests else ():
        build = manifests.build(kustomization) if manifests else None
        for resource in build.objects if build else ():
            has_group = resource.kind == "CustomResourceDefinition" and resource.text("spec.group") == group
            if has_group and resource.text("spec.names.kind") == kind:
                return f"; {kustomization.ref} declares it"
    return ""
