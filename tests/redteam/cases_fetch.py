"""`check` fetches nothing unless it is told to, and never asks this machine itself without --allow-local."""

from __future__ import annotations

import json

from tests.redteam.cases_escape import generator, indented
from tests.redteam.kit import Box, BrokenError, case
from tests.redteam.repos import CHARTS, FLEET, REPLACEMENTS, fleet
from tests.redteam.servers import Server, recorder


def asks_nobody(box: Box, server: Server, canary: str, files: dict[str, str], *options: str) -> None:
    done = box.report(box.run("check", fleet(box, files), "--format", "json", "--no-cache", *options))
    if server.requests:
        raise BrokenError(f"a loopback address was asked during check: {', '.join(sorted(set(server.requests)))[:150]}")
    box.keeps(done, canary)


@case("fetch-resource", "H2", needs=["kustomize", "git"])
def resource(box: Box) -> None:
    """a resource at a loopback URL, one slash written as an escape, in a base"""
    canary = box.canary("loopback")
    server = recorder(box, f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {canary}}}\n".encode())
    asks_nobody(box, server, canary, {
        "apps/kustomization.yaml": "resources: [hr.yaml, base]\n",
        "apps/base/kustomization.yaml": f'resources: ["http:\\x2f/127.0.0.1:{server.port}/remote.yaml"]\n',
    })  # fmt: skip


@case("fetch-generator-field", "H2", needs=["kustomize", "git"])
def generator_field(box: Box) -> None:
    """a loopback URL as a file of a configMapGenerator, one slash written as an escape; its answer in a report"""
    canary = box.canary("loopback")
    server = recorder(box, f"{canary}\n".encode())
    asks_nobody(box, server, canary, {
        "apps/kustomization.yaml": f"resources: [hr.yaml, base]\n{REPLACEMENTS}",
        "apps/base/kustomization.yaml": "configMapGenerator:\n- name: leak\n  namespace: flux-system\n"
        f'  files: ["p=http:\\x2f/127.0.0.1:{server.port}/secret"]\n  options: {{disableNameSuffixHash: true}}\n',
    })  # fmt: skip


@case("fetch-inline-generator", "H2", needs=["kustomize", "git"])
def inline_generator(box: Box) -> None:
    """a loopback URL as a file of a generator written inside the kustomization file"""
    canary = box.canary("loopback")
    server = recorder(box, f"{canary}\n".encode())
    plugin = indented(generator("ConfigMapGenerator", f'"p={server.url}/secret"'))
    asks_nobody(box, server, canary, {
        "apps/kustomization.yaml": f"resources: [hr.yaml]\ngenerators:\n- |-\n{plugin}{REPLACEMENTS}",
    })  # fmt: skip


@case("fetch-schema-references", "held", needs=["kustomize", "git"])
def schema_references(box: Box) -> None:
    """the values.schema.json of a chart here refers to a loopback URL and to a file"""
    canary = box.canary("loopback")
    server = recorder(box, json.dumps({"description": canary, "type": "string"}).encode())
    schema = {
        "properties": {"a": {"$ref": f"{server.url}/a"}, "c": {"$ref": "file:///etc/passwd"}},
        "allOf": [{"$ref": f"{server.url}/b"}],
    }
    asks_nobody(box, server, canary, {
        "apps/hr.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: flux-system}\n"
        "spec: {interval: 10m, values: {a: 1, c: 2}, chart: {spec: {chart: ./charts/web, sourceRef: {kind: GitRepository, name: flux-system}}}}\n",
        "apps/kustomization.yaml": "resources: [hr.yaml]\n",
        "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        "charts/web/values.yaml": "a: 1\n",
        "charts/web/values.schema.json": json.dumps(schema),
    })  # fmt: skip


@case("fetch-online-loopback", "held", needs=["kustomize", "git"])
def online(box: Box) -> None:
    """--online without --allow-local, for loopback addresses in a dozen spellings"""
    server = recorder(box, b"apiVersion: v1\nentries: {}\n")
    hosts = [
        "127.0.0.1",
        "[::ffff:127.0.0.1]",
        "0x7f000001",
        "localhost",
        "localhost.",
        "2130706433",
        "0",
        "127.1",
        "[::]",
        "0.0.0.0",
        "[::1]",
        "017700000001",
    ]
    rows = []
    for number, host in enumerate(hosts):
        rows += [
            CHARTS.replace("name: none", f"name: r{number}").replace(
                "https://charts.test", f"http://{host}:{server.port}/x{number}"
            ),
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
            f"metadata: {{name: w{number}, namespace: flux-system}}\nspec: {{interval: 10m, chart: {{spec: {{chart: web, version: 1.0.0, "
            f"sourceRef: {{kind: HelmRepository, name: r{number}}}}}}}}}\n",
        ]
    base = {k: v for k, v in FLEET.items() if k != "apps/hr.yaml"}
    root = fleet(box, {"apps/all.yaml": "---\n".join(rows)}, base=base)
    box.report(box.run("check", root, "--format", "json", "--no-cache", "--online"))
    if server.requests:
        raise BrokenError(
            f"a loopback address was asked without --allow-local: {', '.join(sorted(set(server.requests)))[:150]}"
        )
