"""Where the values of Secrets are in a document: by path, and the document without them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fluxdoctor.intake import documents, secret_places
from fluxdoctor.intake.secret_places import value_paths, without_values

WORD = "hunter2hunter2"
REAL = f"ENC[AES256_GCM,data:eA==,iv:{'a' * 43}=,tag:{'a' * 22}==,type:str]"


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        pytest.param(f"kind: Secret\nstringData: {{a: {WORD}}}", [("stringData", "a")], id="a Secret"),
        pytest.param(f"kind: ClusterSecret\ndata: {{a: {WORD}}}", [("data", "a")], id="another group"),
        pytest.param(f"KIND: Secret\nStringData: {{a: {WORD}}}", [("StringData", "a")], id="letter case"),
        pytest.param(f"items: [{{kind: Secret, data: {{a: {WORD}}}}}]", [("items", 0, "data", "a")], id="in a list"),
        pytest.param(f"kind: Secret\ndata: {WORD}", [("data",)], id="data that is a text"),
        pytest.param(f"SecretGenerator: [{{LITERALS: [a={WORD}]}}]", [("SecretGenerator", 0, "LITERALS", 0)], id="generator"),
        pytest.param(f"kind: SecretGenerator\nliterals: [a={WORD}]", [("literals", 0)], id="plug-in"),
        pytest.param(f"secretGenerator: [{{new: {WORD}}}]", [("secretGenerator", 0, "new")], id="a field of tomorrow"),
        pytest.param(f"generators: ['{{kind: SecretGenerator, literals: [a={WORD}]}}']", [("generators", 0)], id="inline"),
        pytest.param(f"text: |\n  kind: Secret\n  data: {{a: {WORD}}}\n  - x", [("text",)], id="no YAML, but a Secret"),
        pytest.param(f"op: add\npath: /stringData/a\nvalue: {WORD}", [("value",)], id="JSON patch"),
        pytest.param(f"patches: [{{target: {{kind: Sec.*}}, patch: 'data: {{a: {WORD}}}'}}]", [("patches", 0, "patch")], id="selector"),
        pytest.param(f"patches: [{{target: {{name: s}}, patch: 'data: {{a: {WORD}}}'}}]", [("patches", 0, "patch")], id="any kind"),
        pytest.param(f"sourceValue: {WORD}\ntargets: [{{select: {{kind: Secret}}}}]", [("sourceValue",)], id="replacement"),
        pytest.param(f"kind: Secret\nstringData: {{a: 'ENC[{WORD}'}}", [("stringData", "a")], id="as if encrypted"),
        pytest.param(f"kind: Secret\nstringData: {{a: '{REAL}'}}", [("stringData", "a")], id="encrypted, but by nobody"),
        pytest.param(f"kind: Secret\nstringData: {{a: '{REAL}', b: {WORD}}}\nsops: {{mac: '{REAL}'}}", [("stringData", "b")], id="in part"),
    ],
)  # fmt: skip
def test_values_are_found_and_masked(text: str, paths: list[tuple[str | int, ...]]) -> None:
    body = documents.load(text)
    assert sorted(value_paths(body), key=str) == paths
    assert secret_places.may_hold_values(text.encode())
    masked = without_values(body)
    assert WORD not in json.dumps(masked)
    assert without_values(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "kind: ConfigMap\ndata: {a: hunter2hunter2}",
        "kind: HelmRelease\nspec: {valuesFrom: [{kind: Secret, name: s, valuesKey: a}]}",
        "kind: Secret\nmetadata: {name: s}",
        "kind: Secret\nstringData: {a: '${TOKEN}'}",
        f"kind: Secret\nstringData: {{a: '{REAL}'}}\nsops: {{mac: '{REAL}'}}",
        "secretGenerator: [{name: a, files: [k=f], envs: [e], type: Opaque, options: {immutable: true}}]",
        "patches: [{target: {kind: ConfigMap}, patch: 'data: {a: hunter2}'}]",
        "patches: [{target: {kind: Secret}, patch: '[{op: remove, path: /data/a}]'}]",
        "patches: [{target: {kind: Secret}, patch: 'metadata: {labels: {a: b}}'}]",
        "configMapGenerator: [{name: a, literals: [a=secret]}]",
        "note: 'the Secret: not found'",
    ],
)
def test_a_document_without_a_value_is_the_same_object(text: str) -> None:
    body = documents.load(text)
    assert value_paths(body) == []
    assert without_values(body) is body


def test_a_body_of_any_depth_is_read() -> None:
    body: Any = {"kind": "Secret", "stringData": {"a": WORD}}
    for _ in range(5000):
        body = {"x": [body]}
    masked = without_values(body)
    for _ in range(75):
        masked = masked["x"][0]
    assert masked == {"x": "[redacted]"}
