"""Secrets in every shape in which they are written, sent or quoted, with a word in each that nobody may ever see."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.helpers.manifests import APPS, RELEASE, sync

ENTRY = sync("https://git.example.test/fleet.git")


@dataclass
class Flock:
    """Words by the shape in which each was written."""

    words: dict[str, str] = field(default_factory=dict)

    def word(self, shape: str, *, plain: bool = False) -> str:
        """Return a new word; ``plain``: of letters and digits only, for where anything else would be escaped."""
        digest = hashlib.sha256(shape.encode()).hexdigest()
        self.words[shape] = f"zq{digest[:10]}Qz" if plain else f"zq{digest[:8]}+&{digest[8:12]}Qz"
        return self.words[shape]

    def seen(self, text: bytes) -> list[str]:
        """Return the shapes whose word a text has, in any encoding."""
        return sorted(shape for shape, word in self.words.items() if any(form in text for form in encodings(word)))


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


#: How a message quotes a value.
ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "base64 with its user": lambda text: b64(f"deploy:{text}"),
    "hexadecimal": lambda text: text.encode().hex(),
    "in a URL": lambda text: quote(text, safe=""),
    "in JSON of Go": lambda text: json.dumps(text)[1:-1].replace("&", "\\u0026"),
}


def encodings(word: str) -> set[bytes]:
    """Return what a text has that holds the word: in base64 what does not depend on the text around it."""
    raw = word.encode()
    parts = set()
    for before in range(3):
        digits = base64.b64encode(b"\0" * before + raw)
        parts.add(digits[(8 * before + 5) // 6 : 8 * (before + len(raw)) // 6])
    parts |= {part.translate(bytes.maketrans(b"+/", b"-_")) for part in parts}
    quoted = {
        quote(raw, safe="").encode(),
        json.dumps(word)[1:-1].replace("&", "\\u0026").encode(),
        html.escape(word).encode(),
    }
    return {raw, raw.hex().encode(), raw.hex().upper().encode(), *quoted, *parts}


def indented(text: str, by: int = 2) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


def _secret(name: str, data: str, kind: str = "Secret") -> str:
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: flux-system}}\n{data}\n"


def _plugin(name: str, more: str) -> str:
    return f"apiVersion: builtin\nkind: SecretGenerator\nmetadata: {{name: {name}, namespace: flux-system}}\n{more}\n"


def repository(flock: Flock) -> dict[str, str]:
    """Return the files of a fleet whose Secrets are written in every way that YAML and kustomize know."""
    w = flock.word
    manifests = {
        "plain": _secret("plain", f"stringData: {{p: '{w('a Secret')}'}}"),
        "data": _secret("data", f"data: {{p: {b64(w('base64'))}}}"),
        "block": _secret("block", "stringData:\n  p: |\n    " + w("a block text")),
        "folded": _secret("folded", "stringData:\n  p: >-\n    " + w("a folded text")),
        "escaped": _secret("escaped", f'"stringD\\u0061ta": {{p: "{w("escaped names")}"}}', '"S\\x65cret"'),
        "tagged": _secret("tagged", f"stringData: {{p: !!str '{w('a tagged kind')}'}}", "!!str Secret"),
        "binary": _secret("binary", f"stringData: {{p: !!binary {b64(w('a binary tag'))}}}", "!!binary U2VjcmV0"),
        "anchored": _secret("anchored", f"stringData: {{p: &a '{w('an anchor')}', q: *a}}", "&k Secret"),
        "merged": f"x: &s {{stringData: {{p: '{w('a merge key')}'}}}}\n" + _secret("merged", "<<: *s"),
        "question": "? apiVersion\n: v1\n? kind\n: Secret\nmetadata: {name: question, namespace: flux-system}\nstringData:\n  ? p\n  : '" + w("explicit keys") + "'\n",
        "list": "apiVersion: v1\nkind: List\nitems:\n- " + indented(_secret("listed", f"# was: {w('a comment in a List', plain=True)}\nstringData: {{p: '{w('a List')}'}}")).strip() + "\n",
        "typed": f"apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {{name: typed, namespace: flux-system}}\n  stringData: {{p: '{w('a SecretList')}'}}\n",
        "documents": "---\n" + _secret("first", f"stringData: {{p: '{w('the first document')}'}}") + "---\n" + _secret("second", f"stringData: {{p: '{w('the second document')}'}}"),
        "comment": _secret("comment", f"# p: {w('a comment', plain=True)}\nstringData: {{p: '{w('beside a comment')}'}}"),
        "sealed": _secret("sealed", f"stringData: {{p: 'ENC[{w('as if encrypted')}'}}"),
        "sealed2": _secret("sealed2", f"stringData: {{p: 'ENC[AES256_GCM,data:{w('as if by SOPS', plain=True)},iv:x,tag:x,type:str]'}}\nsops: {{mac: x}}"),
        "applied": _secret("applied", "").replace("flux-system}", "flux-system, annotations: {kubectl.kubernetes.io/last-applied-configuration: '" + json.dumps({"stringData": {"p": w("the annotation of kubectl", plain=True)}}) + "'}}"),
        "like": f"apiVersion: x.example.test/v1\nkind: ClusterSecret\nmetadata: {{name: like}}\nstringData: {{p: '{w('a kind of another group')}'}}\n",
        "config": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config, namespace: flux-system}\ndata:\n  manifest: |\n" + indented(_secret("inner", f"stringData: {{p: '{w('a ConfigMap')}'}}"), 4),
        "values": RELEASE.replace("name: web", "name: extra") + f"  values:\n    extraObjects:\n    - {{apiVersion: v1, kind: Secret, metadata: {{name: s}}, stringData: {{p: '{w('the values of a HelmRelease')}'}}}}\n",
    }  # fmt: skip
    files = {f"apps/{name}.yaml": text for name, text in manifests.items()}
    files["apps/flow.json"] = json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "flow", "namespace": "flux-system"}, "stringData": {"p": w("JSON")}})  # fmt: skip
    return files | _generators(flock) | {
        "clusters/prod/flux-system/gotk-sync.yaml": ENTRY,
        "clusters/prod/apps.yaml": APPS,
        "apps/release.yaml": RELEASE,
        "apps/kustomization.yaml": "resources:\n" + "".join(f"- {name}\n" for name in ("release.yaml", "flow.json", *(f"{n}.yaml" for n in manifests if n not in ("like", "merged", "binary", "question")))),
    }  # fmt: skip


def _generators(flock: Flock) -> dict[str, str]:
    w = flock.word
    patch = "- op: add\n  path: /stringData\n  value: {p: '%s'}\n"
    kustomizations = {
        "field": f"secretGenerator:\n- {{name: a, literals: ['p={w('a generator')}']}}\n",
        "capitals": f"SecretGENERATOR:\n- {{name: b, LITERALS: ['p={w('a generator in capitals')}']}}\n",
        "hidden": f'"secretGener\\x61tor":\n- {{name: c, literals: ["p={w("an escaped generator")}"]}}\n',
        "inline": "generators:\n- |-\n" + indented(_plugin("d", f"literals: ['p={w('an inline plug-in')}']")),
        "inflow": "generators:\n- '" + "{apiVersion: builtin, kind: SecretGenerator, metadata: {name: e}, literals: [p=" + w("an inline plug-in in flow style", plain=True) + "]}'\n",
        "plugin": "generators: [gen.yaml]\n",
        "reading": "generators: [gen.yaml]\n",
        "files": "secretGenerator:\n- {name: f, files: [token=token.txt, creds.yaml], envs: [.env]}\n",
        "patched": "resources: [s.yaml]\npatches:\n- target: {kind: Secret}\n  patch: |\n" + indented(patch % w("a patch"), 4),
        "selected": "resources: [s.yaml]\npatches:\n- target: {name: s}\n  patch: |\n" + indented(patch % w("a patch by name"), 4),
        "merging": "resources: [s.yaml]\npatchesStrategicMerge:\n- |\n" + indented(_secret("s", f"stringData: {{p: '{w('a strategic merge')}'}}")),
        "unusable": "resources: [broken]\n",
        "patchfile": "resources: [s.yaml]\npatches:\n- {path: patch.yaml, target: {kind: Sec.*}}\n",
    }  # fmt: skip
    files = {f"gen/{name}/kustomization.yaml": text for name, text in kustomizations.items()}
    files |= {f"gen/{name}/s.yaml": _secret("s", "") for name in ("patched", "selected", "merging", "patchfile")}
    return files | {
        "gen/unusable/broken/kustomization.yaml": f"secretGenerator:\n- {{name: i, literals: ['{w('a literal without a key')}']}}\n",
        "gen/plugin/gen.yaml": _plugin("g", f"literals: ['p={w('a plug-in in a file')}']"),
        "gen/reading/gen.yaml": _plugin("h", "files: [more.yaml]"),
        "gen/reading/more.yaml": f"p: '{w('a file of a plug-in')}'\n",
        "gen/files/token.txt": w("a file"),
        "gen/files/creds.yaml": f"p: '{w('a YAML file')}'\n",
        "gen/files/.env": f"P={w('a file of variables', plain=True)}\n",
        "gen/patchfile/patch.yaml": patch % w("a file with a patch"),
        "clusters/prod/gen.yaml": "".join(f"---\n{APPS.replace('name: apps', f'name: {name}').replace('./apps', f'./gen/{name}')}" for name in kustomizations),
    }  # fmt: skip


#: How others write a credential that no Secret here holds; {} is the word.
LOOKS = (
    "Authorization: Bearer {0}", "Authorization: Basic {0}", "https://deploy:{0}@git.example.test/x", "https://{0}@git.example.test/x",
    "https://hooks.slack.com/services/T00000000/B00000000/{0}", "hooks.slack.com/workflows/T0/A0/{0}",
    "https://discord.com/api/webhooks/123456789/{0}", "https://acme.webhook.office.com/webhookb2/a@b/IncomingWebhook/{0}/d",
    "https://chat.example.test/hooks/{0}", "https://api.telegram.org/bot123:{0}/sendMessage",
    'Get "https://git.example.test/x?access_token={0}": 401', 'Get "https://git.example.test/x?a=b\\u0026private_token={0}": 401',
    'Get "https://acc.blob.core.windows.net/c?sv=2020&sig={0}%3D&se=2026": 403', "https://s3.example.test/f?X-Amz-Signature={0}",
    "https://storage.googleapis.com/f?X-Goog-Signature={0}", "https://x.example.test/#access_token={0}",
    "aws_secret_access_key={0}", "host=db password={0} user=x", '{{"username":"x","password":"{0}"}}', '\\"password\\":\\"{0}\\"',
    "client_secret={0}", "DB_PASSWORD={0}", "map[password:{0} user:x]", "--set auth.password={0}", "--token {0} --x", "curl -u me:{0} x",
    "X-API-Key: {0}", "PRIVATE-TOKEN: {0}", "Set-Cookie: session={0}; Path=/", "Cookie: a=b; sid={0}", "Server=db;Password={0};Database=x",
    "npm_{0}{0}", "AIzaSy{0}{0}0123456789", "hf_{0}{0}", "hvs.{0}{0}", "dckr_pat_{0}", "dop_v1_{0}{0}", "sk_live_{0}", "sk-proj-{0}{0}",
    "gldt-{0}", "glrt-{0}", "ghs_{0}{0}", "github_pat_{0}", "xoxb-1-{0}", "pypi-{0}{0}{0}", "SG.{0}.{0}", "tskey-auth-{0}", "ATATT3{0}{0}",
    '{{"auths":{{"registry.example.test":{{"auth":"{0}{0}"}}}}}}', "-----BEGIN RSA PRIVATE KEY-----\nMIIC{0}\n-----END RSA PRIVATE KEY-----",
    "AGE-SECRET-KEY-1{0}",
)  # fmt: skip


def thing(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """Return an object of a cluster."""
    api = {"Kustomization": "kustomize.toolkit.fluxcd.io/v1", "GitRepository": "source.toolkit.fluxcd.io/v1"}.get(
        kind, "v1"
    )
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": "flux-system", "generation": 1},
        **more,
    }


def failing(name: str, message: str) -> dict[str, Any]:
    """Return a Kustomization whose controller says this."""
    spec = {
        "interval": "1m",
        "path": "./x",
        "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
    }
    condition = {"type": "Ready", "status": "False", "reason": "BuildFailed", "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z"}  # fmt: skip
    return thing("Kustomization", name, spec=spec, status={"observedGeneration": 1, "conditions": [condition]})


def objects(flock: Flock) -> list[dict[str, Any]]:
    """Return the objects of a cluster whose controllers quote Secrets in every encoding, and tokens of every look."""
    found: list[dict[str, Any]] = []
    for number, look in enumerate(LOOKS):
        word = flock.word(f"looks like {look[:60]}", plain=True)
        found.append(failing(f"look-{number}", f"kustomize build failed: it said {look.format(word)} and closed"))
    for number, (name, encoded) in enumerate(ENCODINGS.items()):
        word = flock.word(f"quoted {name}")
        found.append(
            thing("Secret", f"login-{number}", type="Opaque", data={"username": b64("deploy"), "password": b64(word)})
        )
        body = failing(f"quote-{number}", f"kustomize build failed: it said {encoded(word)} and closed")
        body["spec"]["decryption"] = {"provider": "sops", "secretRef": {"name": f"login-{number}"}}
        found.append(body)
    for style, text in _kubeconfigs(flock).items():
        word = flock.words[f"a kubeconfig in {style} style"]
        found.append(thing("Secret", f"remote-{style}", type="Opaque", data={"value": b64(text)}))
        body = failing(f"remote-{style}", f"kustomize build failed: the server wants no {word} here")
        body["spec"]["kubeConfig"] = {"secretRef": {"name": f"remote-{style}"}}
        found.append(body)
    return found


def _kubeconfigs(flock: Flock) -> dict[str, str]:
    head = "apiVersion: v1\nkind: Config\nclusters: []\n"
    words = {style: flock.word(f"a kubeconfig in {style} style", plain=True) for style in ("block", "flow", "json")}
    return {
        "block": f"{head}users:\n- name: u\n  user:\n    token: {words['block']}\n",
        "flow": f"{head}users: [{{name: u, user: {{token: {words['flow']}}}}}]\n",
        "json": json.dumps({"clusters": [], "users": [{"name": "u", "user": {"token": words["json"]}}]}),
    }
