"""An odd input is a finding, a gap or a usage error: never a traceback, and never words of the input as they are."""

from __future__ import annotations

import json

from tests.redteam import worlds
from tests.redteam.cases_regex import crd
from tests.redteam.kit import Box, BrokenError, case, shown
from tests.redteam.repos import ENTRY, FLEET, fleet
from tests.redteam.servers import Answer, Request, kube_api, kubeconfig

#: Schemas of a CustomResourceDefinition that an API server would refuse, or that a library may choke on.
SCHEMAS = {
    "pattern that no dialect takes": '{type: object, properties: {spec: {type: object, properties: {interval: {type: string, pattern: "("}}}}}',
    "pattern that only Go takes": '{type: object, properties: {spec: {type: object, properties: {interval: {type: string, pattern: "^\\\\p{L}+\\\\z"}}}}}',
    "type that is none": "{type: object, properties: {spec: {type: frobnicate}}}",
    "properties as a list": "{type: object, properties: [1, 2]}",
    "reference to a URL": '{type: object, properties: {spec: {$ref: "http://127.0.0.1:9/schema"}}}',
    "reference to a file": '{type: object, properties: {spec: {$ref: "file:///etc/hostname"}}}',
    "keywords of other types": "{type: object, required: 7, properties: {spec: {enum: 5, minLength: x, maxItems: [], minimum: a, multipleOf: 0, items: 5, allOf: 7}}}",
    "reference to itself": '{type: object, properties: {spec: {$ref: "#"}}}',
    "endless reference": '{type: object, properties: {spec: {$ref: "#/properties/spec"}}}',
}


@case("traceback-workflow-command", "H5", needs=["kustomize", "git"])
def workflow_command(box: Box) -> None:
    """a schema reference with line breaks, commands of a pipeline and escape sequences, quoted by an unexpected error"""
    evil = '"http://127.0.0.1:9/x\\n::error file=a::injected\\n::add-mask::x\\n\\e]52;c;Q0FOQVJZ\\a\\e[31mred"'
    root = fleet(box, {"apps/crd.yaml": crd(f"{{type: object, properties: {{spec: {{$ref: {evil}}}}}}}")})
    for form in ("text", "github"):
        done = box.run("check", root, "--no-cache", "--format", form)
        if (
            any(line.startswith(("::error file=a", "::add-mask::x")) for line in done.text.splitlines())
            or "\x1b" in done.text
        ):
            raise BrokenError(
                f"{done.command} (exit code {done.code}) prints what a pipeline or a terminal obeys: {shown(done.text[-120:])}"
            )
        box.sound(done)


@case("traceback-crd-schemas", "M5", needs=["kustomize", "git"])
def crd_schemas(box: Box) -> None:
    """CustomResourceDefinitions with schemas that are none"""
    bad = []
    for name, schema in SCHEMAS.items():
        root = fleet(box, {"apps/crd.yaml": crd(schema)}, name.replace(" ", "-"))
        try:
            box.sound(box.run("check", root, "--no-cache", "--format", "json", fast=True))
        except BrokenError as error:
            bad.append(f"{name} ({str(error).rpartition(': ')[2][:50]})")
    if bad:
        raise BrokenError(f"{len(bad)} of {len(SCHEMAS)} schemas end in a traceback: {'; '.join(bad)}")


@case("traceback-submodules", "M5", needs=["kustomize", "git"])
def submodules(box: Box) -> None:
    """recurseSubmodules without a .gitmodules, and a build that fails"""
    root = fleet(box, {
        "clusters/prod/flux-system/gotk-sync.yaml": ENTRY.replace("ref: {branch: main}", "ref: {branch: main}, recurseSubmodules: true"),
        "apps/kustomization.yaml": "resources: [hr.yaml, gone]\n",
    })  # fmt: skip
    box.sound(box.run("check", root, "--no-cache"))


@case("traceback-odd-api", "M5")
def odd_api(box: Box) -> None:
    """an API server whose objects have numbers, lists and nulls in the place of everything"""
    rows = [
        {"metadata": {"name": 5, "namespace": ["a"], "generation": 10**29, "annotations": 7, "labels": [1], "managedFields": 5}, "spec": [], "status": "x"},
        {"metadata": None}, 7, None,
        {"metadata": {"name": "x", "namespace": "a", "managedFields": [5, None]}, "status": {"conditions": [5, None, {"type": 7, "status": True, "lastTransitionTime": 9e99}]}},
    ]  # fmt: skip

    def odd(_: Request, kind: str) -> Answer | None:
        if kind != "Kustomization":
            return None
        return 200, {}, json.dumps({"kind": "List", "metadata": {"continue": 7}, "items": rows}).encode()

    api = kube_api(box, [worlds.thing("Namespace", "shop", namespace="")], odd)
    box.sound(
        box.run("diagnose", "--kubeconfig", kubeconfig(box, api.url), "--no-probe", "--timeout", "4s", "--no-cache")
    )


@case("traceback-deep-json", "M5")
def deep_json(box: Box) -> None:
    """an object of a live cluster, and one of a snapshot, that is nested hundreds of levels deep"""

    def odd(_: Request, kind: str) -> Answer | None:
        return (200, {}, nested.encode()) if kind == "Kustomization" else None

    for depth in (
        900,
        985,
        5000,
    ):  # a JSON library of Python 3.11 stops near 1,000: what recurses after it may stop earlier
        deep = '{"a":' * depth + "1" + "}" * depth
        nested = (
            '{"kind":"List","metadata":{},"items":[{"metadata":{"name":"deep","namespace":"a"},"spec":' + deep + "}]}"
        )
        api = kube_api(box, [], odd)
        arguments = ("--kubeconfig", kubeconfig(box, api.url), "--no-probe", "--timeout", "20s", "--no-cache")
        box.sound(box.run("diagnose", *arguments))  # not in a fork: its own frames would count
        body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep","namespace":"a"},"data":' + deep + "}"
        world = {"snapshot.yaml": worlds.about(["ConfigMap"]), "cluster/o.json": body}
        box.sound(box.run("diagnose", "--from", worlds.write(box, world, f"deep{depth}")))


@case("traceback-odd-repository", "held", needs=["kustomize", "git"], quick=False)
def odd_repository(box: Box) -> None:
    """alias bombs, deep nesting, recursive anchors, duplicate keys, NUL bytes and UTF-16 in manifests"""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
    )
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: flux-system}\ndata:\n"
    odd = {
        "bomb.yaml": head + "".join(f"  {line}\n" for line in bomb.splitlines()),
        "deep.yaml": f"a: {'[' * 3000}{']' * 3000}\n",
        "self.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: &m {name: y, namespace: flux-system, labels: *m}\n",
        "nul.yaml": "apiVersion: v1\nkind: Config\0Map\n",
        "twice.yaml": "kind: ConfigMap\nkind: Secret\nmetadata: {name: z}\nmetadata: {name: z}\n",
        "list.yaml": "kind: List\nitems: 7\n",
        "date.yaml": "kind: 2026-99-99T99:99:99Z\nmetadata: {name: 1e999}\n",
    }
    for name, content in odd.items():
        root = fleet(box, {f"apps/{name}": content}, name.partition(".")[0])
        box.sound(box.run("check", root, "--no-cache", "--format", "json", fast=True))
    root = fleet(box, {"apps/wide.yaml": FLEET["apps/hr.yaml"].encode("utf-16")}, "wide")
    box.sound(box.run("check", root, "--no-cache", "--format", "json", fast=True))
