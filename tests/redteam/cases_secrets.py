"""No value of a Secret is in a snapshot that is saved, in the cache, or in a report, however the Secret is written."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from tests.redteam import worlds
from tests.redteam.cases_escape import indented, kept
from tests.redteam.kit import Box, BrokenError, case, files_below
from tests.redteam.repos import fleet
from tests.redteam.servers import git_server, kube_api, kubeconfig


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def saved(box: Box, root: Path, objects: list[dict[str, object]] | None = None) -> dict[str, bytes]:
    """Save a snapshot of a fake cluster whose one GitRepository is this repository; return its files."""
    server = git_server(box, root)
    commit = (root / ".git/refs/heads/main").read_text().strip()
    source = worlds.thing("GitRepository", "fleet", {"interval": "1m", "url": f"{server.url}/fleet.git", "ref": {"branch": "main"}}, ready=("True", "Succeeded", "ok"),
                          status={"artifact": {"revision": f"main@sha1:{commit}"}})  # fmt: skip
    spec = {"interval": "1m", "path": "./apps", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "fleet"}}
    apps = worlds.thing("Kustomization", "apps", spec, ready=("False", "BuildFailed", "kustomize build failed: x"))
    api = kube_api(box, [source, apps, worlds.thing("Namespace", "shop", namespace=""), *(objects or [])])
    target = box.path / "saved"
    box.sound(
        box.run(
            "snapshot",
            "-o",
            target,
            "--kubeconfig",
            kubeconfig(box, api.url),
            "--allow-local",
            "--timeout",
            "40s",
            "--no-cache",
        ),
        [0, 3],
    )
    files = dict(files_below(target))
    if not any(path.startswith("git/shop/fleet/apps") for path in files):
        raise BrokenError("the snapshot does not hold the files of the repository at all")
    return files


def holds_none(files: Mapping[str, bytes], canaries: Mapping[str, str]) -> None:
    """Ask of files that they hold none of these, plain or in base64."""
    hits = []
    for name, canary in canaries.items():
        for path, content in files.items():
            if canary.encode() in content or coded(canary).rstrip("=").encode() in content:
                hits.append(f"{name} ({path})")
                break
    if hits:
        raise BrokenError(f"{len(hits)} of {len(canaries)} values are kept: {'; '.join(hits)}")


def generators(box: Box) -> tuple[dict[str, str], dict[str, str]]:
    """Return repository files with Secrets made by generators, and the values by the way in which each is written."""
    value = {
        name: box.canary(name[:4])
        for name in (
            "field",
            "inline plug-in",
            "plug-in in a file",
            "capitals",
            "file of a plug-in",
            "escaped field name",
        )
    }

    def plugin(name: str, more: str) -> str:
        return (
            f"apiVersion: builtin\nkind: SecretGenerator\nmetadata: {{name: {name}, namespace: flux-system}}\n{more}\n"
        )

    files = {
        "apps/kustomization.yaml": "resources: [hr.yaml, field, inline, file, capitals, deep, escaped]\n",
        "apps/field/kustomization.yaml": f"secretGenerator:\n- {{name: a, namespace: flux-system, literals: [p={value['field']}]}}\n",
        "apps/inline/kustomization.yaml": "generators:\n- |-\n"
        + indented(plugin("b", f"literals: [p={value['inline plug-in']}]")),
        "apps/file/kustomization.yaml": "generators: [gen.yaml]\n",
        "apps/file/gen.yaml": plugin("c", f"literals: [p={value['plug-in in a file']}]"),
        "apps/capitals/kustomization.yaml": f"SECRETGENERATOR:\n- {{name: d, namespace: flux-system, literals: [p={value['capitals']}]}}\n",
        "apps/deep/kustomization.yaml": "generators: [gen.yaml]\n",
        "apps/deep/gen.yaml": plugin("e", "files: [values.yaml]"),
        "apps/deep/values.yaml": f"password: {value['file of a plug-in']}\n",
        "apps/escaped/kustomization.yaml": f'"secretGener\\x61tor":\n- {{name: f, namespace: flux-system, literals: [p={value["escaped field name"]}]}}\n',
    }
    return files, value


def spelled(box: Box) -> tuple[dict[str, str], dict[str, str]]:
    """Return manifests of Secrets that are written in odd ways, and the values."""
    value = {
        name: box.canary(name[:4])
        for name in ("plain", "escaped kind", "tagged kind", "in a List", "flow style", "begins with ENC[", "block key")
    }

    def secret(name: str, kind: str, text: str) -> str:
        return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: flux-system}}\nstringData: {{password: {text}}}\n"

    files = {
        "apps/s1.yaml": secret("s1", "Secret", value["plain"]),
        "apps/s2.yaml": secret("s2", '"\\x53ecret"', value["escaped kind"]).replace("stringData", '"stringD\\u0061ta"'),
        "apps/s3.yaml": secret("s3", "!!str Secret", value["tagged kind"]),
        "apps/s4.yaml": "apiVersion: v1\nkind: List\nitems:\n- " + indented(secret("s4", '"S\\x65cret"', value["in a List"])).strip() + "\n",
        "apps/s5.yaml": f'{{"apiVersion": "v1", "kind": "S\\u0065cret", "metadata": {{"name": "s5", "namespace": "flux-system"}}, "stringData": {{"p": "{value["flow style"]}"}}}}\n',
        "apps/s6.yaml": secret("s6", "Secret", f'"ENC[{value["begins with ENC["]}"'),
        "apps/s7.yaml": f'apiVersion: v1\n? kind\n: Secret\nmetadata: {{name: s7, namespace: flux-system}}\nstringData:\n  ? p\n  : {value["block key"]}\n',
    }  # fmt: skip
    return files, value


@case("secrets-snapshot-generators", "H6", needs=["git"])
def snapshot_generators(box: Box) -> None:
    """secret generators as fields, plug-ins, in capitals and with escapes, in the git tree of a snapshot that is saved"""
    files, values = generators(box)
    holds_none(saved(box, fleet(box, files)), values)


@case("secrets-snapshot-spelling", "H6", needs=["git"])
def snapshot_spelling(box: Box) -> None:
    """Secrets written with escapes, tags, in a List, in JSON, in the git tree of a snapshot that is saved"""
    files, values = spelled(box)
    holds_none(saved(box, fleet(box, files)), values)


@case("secrets-cache-generators", "H6", needs=["kustomize", "git"])
def cache_generators(box: Box) -> None:
    """the same generators, in the cache that a check leaves"""
    files, values = generators(box)
    root = fleet(box, files)
    done = box.report(box.run("check", root, "--format", "json", "--verbose"))
    box.keeps(done, *values.values())
    holds_none(dict(files_below(box.folder("cache"))), values)


@case("secrets-cache-spelling", "H6", needs=["kustomize", "git"])
def cache_spelling(box: Box) -> None:
    """the same Secrets, and a value that begins with ENC[ as if SOPS had encrypted it, in the cache that a check leaves"""
    files, values = spelled(box)
    root = fleet(box, files)
    done = box.report(box.run("check", root, "--format", "json", "--verbose"))
    box.keeps(done, *values.values())
    holds_none(dict(files_below(box.folder("cache"))), values)


@case("secrets-cache-encrypted-look", "H6", needs=["kustomize", "git"])
def cache_encrypted_look(box: Box) -> None:
    """a Secret alone, in the clear, whose value begins with ENC[: in the cache"""
    canary = box.canary("enc")
    secret = f'apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: flux-system}}\nstringData: {{password: "ENC[{canary}"}}\n'
    box.sound(box.run("check", fleet(box, {"apps/secret.yaml": secret})))
    kept(box, canary)


@case("secrets-user-and-password", "H6", needs=["git"])
def user_and_password(box: Box) -> None:
    """a message that quotes a Secret as base64 of user:password, as an Authorization header has it, plain and of .dockerconfigjson"""
    word, token = box.canary("pass"), box.canary("token")
    login = worlds.thing("Secret", "login", type="Opaque", data={"username": coded("deploy"), "password": coded(word)})
    docker = json.dumps({"auths": {"registry.test": {"username": "robot", "password": token}}})
    pull = worlds.thing(
        "Secret", "pull", type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": coded(docker)}
    )
    git = worlds.says(
        f"unable to clone: server says: no such header {coded(f'deploy:{word}')} and {word}",
        "GitRepository",
        "GitOperationFailed",
        "private",
    )
    git["spec"]["secretRef"] = {"name": "login"}
    oci = worlds.says(
        f"failed to pull: unexpected answer {coded(f'robot:{token}')} end",
        "OCIRepository",
        "OCIArtifactPullFailed",
        "image",
    )
    oci["spec"]["secretRef"] = {"name": "pull"}
    values = {"user:password of a Secret": word, "user:password of a docker config": token}
    forms = {
        **values,
        "base64 of git login": coded(f"deploy:{word}"),
        "base64 of docker login": coded(f"robot:{token}"),
    }
    files = {
        path: data
        for path, data in saved(box, fleet(box, {}), [login, pull, git, oci]).items()
        if not path.startswith("git/")
    }
    hits = [
        name
        for name, form in forms.items()
        if any(form.encode() in data or form.rstrip("=").encode() in data for data in files.values())
    ]
    if hits:
        raise BrokenError(f"the snapshot that is saved holds: {'; '.join(hits)}")


#: What a token looks like, by who gives it out. CANARY is replaced by a word that stands nowhere else.
SHAPES = {
    "Slack webhook": "https://hooks.slack.com/services/T00000000/B00000000/CANARY",
    "Discord webhook": "https://discord.com/api/webhooks/123456789/CANARY",
    "Teams webhook": "https://contoso.webhook.office.com/webhookb2/aaaa@bbbb/IncomingWebhook/CANARY/dddd",
    "access_token in a query": 'Get "https://git.test/x.git?access_token=CANARY": 401',
    "private_token in a query": 'Get "https://git.test/api?private_token=CANARY": 401',
    "Azure SAS": 'Get "https://acc.blob.core.windows.net/c/f?sv=2020&sig=CANARY%3D&se=2026"',
    "AWS presigned": "https://s3.test/f?X-Amz-Credential=x&X-Amz-Signature=CANARY",
    "AWS secret key": "aws_secret_access_key=CANARY",
    "password=": "connection string host=db password=CANARY user=x failed",
    "password: in JSON": '{"username":"x","password":"CANARY"}',
    "client_secret=": "client_secret=CANARY",
    "environment variable": "DB_PASSWORD=CANARY",
    "X-API-Key header": "X-API-Key: CANARY",
    "Private-Token header": "PRIVATE-TOKEN: CANARY",
    "cookie": "Set-Cookie: session=CANARY; Path=/",
    "npm": "npm_CANARYCANARYCANARYCANARY",
    "Google API key": "AIzaSyCANARYCANARYCANARY0123456789abcd",
    "Hugging Face": "hf_CANARYCANARYCANARY",
    "Vault": "hvs.CANARYCANARYCANARY",
    "Docker Hub": "dckr_pat_CANARYCANARY",
    "DigitalOcean": "dop_v1_CANARYCANARYCANARY",
    "Stripe": "sk_live_CANARYCANARY",
    "OpenAI": "sk-proj-CANARYCANARYCANARY",
    "GitLab deploy token": "gldt-CANARYCANARY",
    "GitLab runner token": "glrt-CANARYCANARY",
    "docker config": '{"auths":{"registry.test":{"auth":"CANARYCANARY"}}}',
}
#: What is masked already.
MASKED = {
    "bearer": "Authorization: Bearer CANARYCANARY0123",
    "basic": "Authorization: Basic CANARYCANARY0123",
    "GitHub": "ghs_CANARYCANARY0123456789",
    "GitHub fine-grained": "github_pat_CANARYCANARY0123456789",
    "GitLab": "glpat-CANARYCANARY",
    "Slack token": "xoxb-1-CANARY",
    "age": "AGE-SECRET-KEY-1CANARY",
    "user of a URL": "https://CANARY@git.test/x",
    "password of a URL": "https://u:CANARY@git.test/x",
    "password of an ssh URL": "ssh://git:CANARY@git.test/x",
    "private key, cut short": "-----BEGIN RSA PRIVATE KEY-----\nMIICANARY\n",
    "JSON web token": "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJDQU5BUlkifQ.CANARY",
}


def shapes(box: Box, forms: Mapping[str, str]) -> None:
    """Replay a snapshot whose messages hold tokens of these shapes, and ask of the report that it shows none."""
    canaries = {name: box.canary("t").upper() for name in forms}
    objects = [
        worlds.says(f"kustomize build failed: the server said {form.replace('CANARY', canaries[name])} and closed", name=f"k{number}")
        for number, (name, form) in enumerate(forms.items())
    ]  # fmt: skip
    done = box.report(
        box.run("diagnose", "--from", worlds.write(box, worlds.files(objects)), "--format", "json", "--verbose")
    )
    hits = [name for name, canary in canaries.items() if canary in done.text]
    if hits:
        raise BrokenError(f"{len(hits)} of {len(forms)} shapes are shown: {', '.join(hits)}")


@case("redaction-token-shapes", "M7")
def token_shapes(box: Box) -> None:
    """tokens of common shapes that no Secret here holds, in the messages of objects"""
    shapes(box, SHAPES)


@case("redaction-known-shapes", "held")
def known_shapes(box: Box) -> None:
    """the shapes that were masked before"""
    shapes(box, MASKED)


@case("secrets-replay", "held")
def replay(box: Box) -> None:
    """the values of the Secrets of a snapshot, in every format of its report"""
    word = box.canary("pass")
    secret = worlds.thing("Secret", "login", type="Opaque", data={"username": coded("deploy"), "password": coded(word)},
                          metadata={"annotations": {"note": f"it is {word}"}})  # fmt: skip
    body = worlds.says(
        f"unable to clone 'https://deploy:{word}@git.test/x': {coded(word)}", "GitRepository", "GitOperationFailed"
    )
    body["spec"]["secretRef"] = {"name": "login"}
    root = worlds.write(box, worlds.files([secret, body, worlds.event(body, f"event {word}")]))
    for form in ("json", "html", "sarif", "text"):
        box.keeps(
            box.sound(box.run("diagnose", "--from", root, "--format", form, "--verbose", fast=True)), word, coded(word)
        )
