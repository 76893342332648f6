"""The manifests of a small fleet: one cluster, one Kustomization below its entry point, one release."""

from __future__ import annotations


def sync(url: str = "https://git.example.com/fleet.git") -> str:
    """Return the entry point of the cluster clusters/prod, as flux bootstrap writes it."""
    return f"""\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: flux-system, namespace: flux-system}}
spec: {{interval: 1m, url: "{url}", ref: {{branch: main}}}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: flux-system, namespace: flux-system}}
spec: {{interval: 10m, path: ./clusters/prod, prune: true, sourceRef: {{kind: GitRepository, name: flux-system}}}}
"""


APPS = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec: {interval: 10m, path: ./apps, prune: true, sourceRef: {kind: GitRepository, name: flux-system}}
"""
#: A HelmRelease whose source does not exist, so that every report shows the name of that source.
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: flux-system}
spec:
  interval: 10m
  chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: none}}}
"""
