"""Charts: archives that are read whatever is in them, values merged as Helm merges them, and schemas that are judged."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.charts import chart_archive, values, verdicts
from fluxdoctor.collect.charts.chart_archive import ChartError
from fluxdoctor.collect.store import save, snapshot_folder
from fluxdoctor.model.charts import Chart, ValuesFlaw, ValuesVerdict
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.finding import Confidence
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.snapshot import Snapshot
from tests.helpers.worlds import ABOUT, condition, rules
from tests.servers.helm_repo import bomb, package

WEB = Ref("HelmRelease", "apps", "web")
ACME = Ref("HelmRepository", "apps", "acme")
DRAFT7 = "http://json-schema.org/draft-07/schema#"
SCHEMA = {
    "$schema": DRAFT7,
    "required": ["image"],
    "properties": {
        "log": {"properties": {"level": {"enum": ["debug", "info", "warn"]}}},
        "replicas": {"type": "integer", "minimum": 1},
    },
}
DEFAULTS = "image: acme/web\nlog: {level: info}\nreplicas: 1\n"


def chart(schema: object = SCHEMA, defaults: str = DEFAULTS, files: Mapping[str, bytes | str] | None = None) -> bytes:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return package("web", "2.1.0", {"values.schema.json": text, "values.yaml": defaults, **(files or {})})


def world(spec: str = "", archive: bytes | None = None, more: str = "", status: str = "") -> Snapshot:
    """A release that was never tried, or has a status, with its chart at hand."""
    objects = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: apps}\n"
        "spec: {interval: 10m, chart: {spec: {chart: web, version: 2.1.0, sourceRef: {kind: HelmRepository, name: acme}}}"
        f"{spec}}}\n{status}"
        "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: acme, namespace: apps}\n"
        'spec: {interval: 10m, url: "https://charts.example.com"}\n'
        f"status: {{conditions: [{condition('Succeeded', 'stored', 'True')}]}}\n{more}"
    )
    about = ABOUT + "".join(
        f"- {{kind: {k}, namespaces: all}}\n" for k in ("HelmRelease", "HelmRepository", "ConfigMap")
    )
    files = {"snapshot.yaml": about.encode(), "cluster/objects.yaml": objects.encode()}
    files["helm/apps/acme/charts/web-2.1.0.tgz"] = archive if archive is not None else chart()
    return snapshot_folder.parse(files, "world")


def verdict(spec: str = "", archive: bytes | None = None, more: str = "") -> ValuesVerdict | None:
    found = world(spec, archive, more).archives
    assert found is not None
    return found.verdict(WEB)


def config_map(text: str) -> str:
    return f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: common, namespace: apps}}\ndata: {{values.yaml: {json.dumps(text)}}}\n"


FROM = ", valuesFrom: [{kind: ConfigMap, name: common}]"
LEVEL = ValuesFlaw("web", ("log", "level"), '"trace" is not one of "debug", "info" or "warn"')
JUDGED = [
    ("", "", ()),
    (", values: {log: {level: warn}, replicas: 2.0, other: [1]}", "", ()),
    (", values: {log: {level: trace}}", "", (LEVEL,)),
    (", values: {image: null}", "", (ValuesFlaw("web", (), '"image" is a required property'),)),
    (FROM, "log: {level: trace}", (LEVEL,)),
    (FROM + ", values: {log: {level: info}}", "log: {level: trace}", ()),
    (FROM + ", values: {log: {format: json}}", "log: {level: trace}", (LEVEL,)),
    (
        ", values: {replicas: 0, log: {level: trace}}",
        "",
        (LEVEL, ValuesFlaw("web", ("replicas",), "0 is less than the minimum of 1")),
    ),
    (", values: {log: null, replicas: null}", "", ()),
]


@pytest.mark.parametrize(("spec", "common", "flaws"), JUDGED)
def test_the_schema_judges_what_helm_would_show_it(spec: str, common: str, flaws: tuple[ValuesFlaw, ...]) -> None:
    found = verdict(spec, more=config_map(common) if common else "")
    assert found is not None
    assert (sorted(found.flaws, key=str), found.why) == (sorted(flaws, key=str), "")


UNKNOWN = [
    (
        ", valuesFrom: [{kind: Secret, name: s}]",
        "Secret/apps/s contains part of the values, and its data is not read",
    ),
    (", valuesFrom: [{kind: ConfigMap, name: gone}]", "ConfigMap/apps/gone does not exist"),
    (FROM.replace("common}", "common, valuesKey: other}"), "ConfigMap/apps/common has no other"),
    (FROM.replace("common}", "common, targetPath: a.b}"), "spec.valuesFrom[0] sets a single value by targetPath"),
    (", values: {url: 'https://me:pass-w0rd@example.com'}", "a value was redacted"),
]


@pytest.mark.parametrize(("spec", "why"), UNKNOWN)
def test_values_that_are_not_all_known_are_not_judged(spec: str, why: str) -> None:
    assert verdict(spec, more=config_map("log: {level: trace}")) == ValuesVerdict(why=why)


def test_values_that_are_nested_too_deep_are_not_judged() -> None:
    from fluxdoctor.collect.charts import verdicts

    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"a": deep}
    found = world()
    assert found.archives is not None
    release = found.cluster.get(WEB)
    assert release is not None
    release.body["spec"]["values"] = deep
    assert verdicts.judge(found.cluster, found.archives.archives) == {
        WEB: ValuesVerdict(why="its values are nested too deeply")
    }


def test_an_optional_source_that_is_not_there_gives_nothing() -> None:
    assert verdict(", valuesFrom: [{kind: ConfigMap, name: gone, optional: true}]") == ValuesVerdict()


def test_no_one_is_judged_who_asked_not_to_be() -> None:
    assert verdict(", values: {log: {level: trace}}, install: {disableSchemaValidation: true}") is None


BOMB: dict[str, Any] = {"a0": {"type": "string"}}
for _i in range(1, 40):
    BOMB[f"a{_i}"] = {"allOf": [{"$ref": f"#/definitions/a{_i - 1}"}] * 2}
SCHEMAS: list[tuple[object, str]] = [
    ("{", "its values.schema.json cannot be read"),
    ({"type": "objekt"}, "its values.schema.json is not a JSON schema"),
    (
        {"properties": {"image": {"$ref": "http://169.254.169.254/x.json"}}},
        "its schema refers to another document, which is not fetched",
    ),
    (
        {"properties": {"image": {"$ref": "file:///etc/passwd"}}},
        "its schema refers to another document, which is not fetched",
    ),
    ({"$schema": "http://schemas.test/mine"}, "its schema refers to another document, which is not fetched"),
    ({"properties": {"image": {"pattern": "(?=a)b"}}}, "its values.schema.json is not a JSON schema"),
    ("[" * 100_000, "its values.schema.json cannot be read"),
]


@pytest.mark.parametrize(("schema", "why"), SCHEMAS)
def test_a_schema_that_cannot_be_asked_is_unknown(schema: object, why: str) -> None:
    assert verdict(archive=chart(schema)) == ValuesVerdict(why=why)


def test_a_regular_expression_that_hangs_others_takes_no_time() -> None:
    found = verdict(f", values: {{image: {'a' * 60}b}}", chart({"properties": {"image": {"pattern": "^(a+)+$"}}}))
    assert found == ValuesVerdict((ValuesFlaw("web", ("image",), f'"{"a" * 60}b" does not match "^(a+)+$"'),))


def test_a_schema_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxdoctor.collect.charts.schema_process._SECONDS", 1.0)
    began = time.monotonic()
    found = verdict(archive=chart({"definitions": BOMB, "properties": {"image": {"$ref": "#/definitions/a39"}}}))
    assert found == ValuesVerdict(why="its schema exceeded the limit of time or memory")
    assert time.monotonic() - began < 10


def test_a_schema_that_refers_to_itself_ends() -> None:
    assert verdict(archive=chart({"allOf": [{"$ref": "#"}, {"$ref": "#"}]})) == ValuesVerdict()


def test_drafts_are_told_by_their_schema() -> None:
    """A list of items is a tuple in draft 7, and no schema at all in 2020-12, which is meant where none is named."""
    rows = {"properties": {"rows": {"items": [{"type": "string"}]}}}
    spec = ", values: {rows: [1]}"
    assert verdict(spec, chart({"$schema": DRAFT7, **rows})) == ValuesVerdict(
        (ValuesFlaw("web", ("rows", 0), '1 is not of type "string"'),)
    )
    assert verdict(spec, chart(rows)) == ValuesVerdict(why="its values.schema.json is not a JSON schema")


def test_subcharts_have_schemas_too() -> None:
    sub = package(
        "db",
        "1.0.0",
        {"values.schema.json": json.dumps({"properties": {"size": {"type": "string"}}}), "values.yaml": "size: 8Gi\n"},
    )
    with_sub = chart(SCHEMA, DEFAULTS, {"charts/db-1.0.0.tgz": sub})
    assert verdict(", values: {db: {size: 8}}", with_sub) == ValuesVerdict(
        (ValuesFlaw("db", ("db", "size"), '8 is not of type "string"'),)
    )
    switched = "apiVersion: v2\nname: web\nversion: 2.1.0\ndependencies: [{name: db, condition: db.enabled}]\n"
    maybe = chart(SCHEMA, DEFAULTS, {"charts/db-1.0.0.tgz": sub, "Chart.yaml": switched})
    assert verdict(", values: {db: {size: 8}}", maybe) == ValuesVerdict()
    importing = switched.replace("condition: db.enabled", "import-values: [data]")
    imported = chart(SCHEMA, DEFAULTS, {"charts/db-1.0.0.tgz": sub, "Chart.yaml": importing})
    assert verdict("", imported) == ValuesVerdict(why="the chart imports values from its subcharts")


def test_a_refusal_is_proven_before_helm_tries_and_when_it_says_so() -> None:
    new = world(", values: {log: {level: trace}}")
    said = "values don't meet the specifications of the schema(s) in the following chart(s):\\nweb:\\n- at '/log/level': value must be one of 'debug', 'info', 'warn'\\n"
    status = f"status: {{conditions: [{condition('InstallFailed', said)}]}}\n"
    failed = world(", values: {log: {level: trace}}", status=status)
    without = world(", values: {log: {level: trace}}", archive=b"", status=status)

    findings = [
        [f for f in diagnose(w, rules()).findings if f.rule == "helm/values-refused"] for w in (new, failed, without)
    ]
    told = [[(f.subject, f.confidence, f.message, f.fix.partition(",")[0]) for f in found] for found in findings]
    fix = "Either fix the value in spec.values.log.level"
    helm = "the schema of chart web rejects the values: at '/log/level': value must be one of 'debug', 'info', 'warn'"
    ours = f"the schema of chart web rejects the values: {LEVEL}"
    assert told == [
        [(WEB, Confidence.PROVEN, ours, fix)],
        [(WEB, Confidence.PROVEN, helm, fix)],
        [(WEB, Confidence.REPORTED, helm, fix)],
    ]


def test_a_snapshot_keeps_charts() -> None:
    first = world(
        ", values: {log: {level: trace}}", chart(SCHEMA, DEFAULTS, {"templates/a.yaml": "{{ .Values.image }}\n"})
    )
    files = save.files(first)
    again = snapshot_folder.parse(files, "world")
    assert again.archives is not None
    assert first.archives is not None
    assert again.archives.archives == first.archives.archives
    assert again.archives.verdicts == first.archives.verdicts
    assert save.files(again) == files
    found = again.archives.chart(ACME, "web", "2.1.0")
    assert found is not None
    assert (found.schema, dict(found.templates)) == (json.dumps(SCHEMA), {"a.yaml": "{{ .Values.image }}\n"})


def archive(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as made:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                made.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                made.addfile(info, io.BytesIO(member[1]))
    return packed.getvalue()


ABOUT_CHART = ("web/Chart.yaml", b"name: web\nversion: 1.0.0\n")


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_nothing_of_an_archive_leads_out_of_it() -> None:
    members: list[tarfile.TarInfo | tuple[str, bytes]] = [
        ABOUT_CHART,
        link("web/values.yaml", "/etc/passwd", tarfile.SYMTYPE),
        link("web/templates/a.yaml", "web/Chart.yaml", tarfile.LNKTYPE),
        link("web/templates/dev.yaml", "", tarfile.CHRTYPE),
        ("web/../../templates/b.yaml", b"b"),
        ("/web/templates/c.yaml", b"c"),
        ("web\\templates\\d.yaml", b"d"),
        ("web/templates/../../x/templates/e.yaml", b"e"),
        ("web/crds/f.yaml", b"f"),
        ("web/templates/ok.yaml", b"ok"),
    ]
    found = chart_archive.read(archive(*members))
    assert found.files == {"Chart.yaml": ABOUT_CHART[1], "templates/ok.yaml": b"ok"}


def test_what_looks_like_a_credential_does_not_go_on() -> None:
    found = chart_archive.read(
        archive(ABOUT_CHART, ("web/values.yaml", b"url: https://me:pass-w0rd@example.com\nport: 1\n"))
    )
    assert found.values == {"url": "https://[redacted]@example.com", "port": 1}


def many_members() -> bytes:
    return archive(ABOUT_CHART, *[(f"web/templates/{i}.yaml", b"") for i in range(201)])


def pax_bomb() -> bytes:
    """The name of one file is 8 MB long: tarfile takes such a header into memory whole."""
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 8 << 20
    return gzip.compress(header.tobuf(tarfile.USTAR_FORMAT) + bytes(8 << 20), 1)


def nested(depth: int = 30) -> bytes:
    inner = package("c0", "1.0.0", {})
    for i in range(1, depth):
        inner = package(f"c{i}", "1.0.0", {f"charts/c{i - 1}-1.0.0.tgz": inner})
    return inner


BAD: list[tuple[Callable[[], bytes], str]] = [
    (lambda: b"", "not a readable .tgz archive (ReadError)"),
    (lambda: b"PK\x03\x04 a zip", "not a readable .tgz archive (BadGzipFile)"),
    (lambda: archive(("web/README.md", b"")), "Chart.yaml is missing"),
    (lambda: bomb(16 << 20), "Chart.yaml is missing"),
    (lambda: archive(ABOUT_CHART, ("web/templates/a.yaml", bytes(8 << 20))), "larger than 4 MiB when unpacked"),
    (pax_bomb, "larger than 4 MiB when unpacked"),
    (many_members, "more than 200 files"),
    (lambda: chart()[:200], "not a readable .tgz archive (EOFError)"),
]


@pytest.mark.parametrize(("packed", "says"), BAD)
def test_an_archive_that_cannot_be_read(
    packed: Callable[[], bytes], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_archive, "_MAX_TOTAL", 4 << 20)
    monkeypatch.setattr(chart_archive, "_MOST_MEMBERS", 200)
    with pytest.raises(ChartError) as refused:
        chart_archive.read(packed())
    assert str(refused.value) == says


def test_charts_within_charts_within_charts_end() -> None:
    found, depth = chart_archive.read(nested()), 0
    while found.subcharts:
        (found,), depth = found.subcharts, depth + 1
    assert depth == 4


def test_a_damaged_chart_in_a_snapshot_is_a_gap() -> None:
    found = world(archive=b"no archive")
    assert found.archives is None
    assert [(str(g.scope), g.why) for g in found.gaps] == [
        ("helm/apps/acme/charts/web-2.1.0.tgz", "not a readable .tgz archive (BadGzipFile)")
    ]


def test_nulls_stay_or_go_as_versions_of_helm_have_it() -> None:
    plain = Chart("web", "1", values={"a": {"b": 1, "c": 2}, "d": None})
    found = values.variants(plain, {"a": {"b": None, "x": None}, "y": None})
    assert found == [{"d": None, "a": {"c": 2, "x": None}, "y": None}, {"a": {"c": 2}}]


def test_global_values_of_a_chart_are_those_of_its_subcharts_too() -> None:
    below = Chart("db", "1", values={"global": {"region": "north", "zone": "a"}})
    above = Chart("web", "1", values={"global": {"region": "south"}}, subcharts=(below,))
    merged = {"global": {"region": "south"}, "db": {"size": 1, "global": {"region": "south", "zone": "a"}}}
    assert values.variants(above, {"db": {"size": 1}}) == [merged]


SETTLED = {"a": {"b": 1, "none": None}, "list": [{"x": 1}, "${Y}"], "open": "a${B}"}


@pytest.mark.parametrize(
    ("path", "settled"),
    [
        (("a", "b"), True), (("a",), False), (("a", "none"), False), (("a", "c"), False), (("list", 0), True),
        (("list", 0, "x"), True), (("list", 1), False), (("list",), False), (("list", 2), False), (("open",), False), ((), False),
    ],
)  # fmt: skip
def test_what_is_merged_last_is_settled(path: tuple[str | int, ...], settled: bool) -> None:
    assert values.is_settled(SETTLED, path) is settled


@pytest.mark.parametrize(
    ("schema", "flaws"),
    [
        ({"properties": {"n": {"type": "integer"}}}, (("n",), '"x" is not of type "integer"')),
        ({"allOf": [{"$ref": "#/$defs/n"}], "$defs": {"n": {"properties": {"n": {"minLength": 2}}}}}, (("n",), '"x" is shorter than 2 characters')),
        ({"properties": {"n": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}, (("n",), '"x" is not valid under any of the schemas listed in the \'anyOf\' keyword')),
        ({"if": {"properties": {"m": {"const": 1}}}, "then": {"properties": {"n": {"type": "integer"}}}}, None),
        ({"properties": {"if": {"type": "object"}}, "not": {"required": ["n"]}}, None),
        ({"required": ["m"]}, None),
        ({"if": {"required": ["m"]}, "else": {"$ref": "#/$defs/n"}, "$defs": {"n": {"properties": {"n": {"minLength": 2}}}}}, None),
        ({"additionalProperties": False, "properties": {"m": {}}}, None),
    ],
)  # fmt: skip
def test_what_hangs_on_unknown_values_is_not_judged(
    schema: dict[str, Any], flaws: tuple[tuple[str, ...], str] | None
) -> None:
    release = Resource(body={"spec": {"values": {"n": "x"}, "valuesFrom": [{"kind": "Secret", "name": "s"}]}}, ref=WEB)
    found = verdicts.of(Cluster([release]), {WEB: verdicts.PartialChart(Chart("web", "1", schema=json.dumps(schema)))})
    why = "Secret/apps/s contains part of the values, and its data is not read"
    assert found == {WEB: ValuesVerdict((ValuesFlaw("web", *flaws),) if flaws else (), why)}


REFERRED = """apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: web, namespace: apps}}
spec: {{interval: 10m, chartRef: {{kind: {kind}, name: made}}, values: {{log: {{level: trace}}}}}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: {kind}
metadata: {{name: made, namespace: apps}}
spec: {spec}
status: {{artifact: {{revision: "{revision}"}}, conditions: [{ready}]}}
"""
REFERENCES = [
    (
        "OCIRepository", '{url: "oci://registry.test/web"}', "2.1.0@sha256:" + "a" * 64, "oci/apps/made/chart.tgz",
        ValuesVerdict((LEVEL,)),
    ),
    (
        "HelmChart", "{chart: web, sourceRef: {kind: HelmRepository, name: acme}}", "2.1.0",
        "helm/apps/acme/charts/web-2.1.0.tgz", ValuesVerdict((LEVEL,)),
    ),
    (
        "HelmChart", "{chart: web, sourceRef: {kind: HelmRepository, name: acme}, valuesFiles: [a.yaml]}", "2.1.0",
        "helm/apps/acme/charts/web-2.1.0.tgz",
        ValuesVerdict((LEVEL,), why="spec.valuesFiles of the HelmChart replaces the default values of the chart"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "spec", "revision", "path", "expected"), REFERENCES)
def test_a_chart_by_reference_is_judged_and_kept_in_a_snapshot(
    kind: str, spec: str, revision: str, path: str, expected: ValuesVerdict
) -> None:
    ready = condition("Succeeded", "stored", "True")
    objects = REFERRED.format(kind=kind, spec=spec, revision=revision, ready=ready)
    files = {"snapshot.yaml": ABOUT.encode(), "cluster/objects.yaml": objects.encode(), path: chart()}
    first = snapshot_folder.parse(files, "world")
    kept = save.files(first)
    again = snapshot_folder.parse(kept, "world")
    assert path in kept
    assert first.archives is not None
    assert again.archives is not None
    assert first.archives.verdict(WEB) == again.archives.verdict(WEB) == expected
    assert [a.schema for a in again.archives.archives.values()] == [a.schema for a in first.archives.archives.values()]
