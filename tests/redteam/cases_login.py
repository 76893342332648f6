"""What logs in is never quoted: not a token, not a password, not what a credential plug-in says."""

from __future__ import annotations

import base64
import json

from tests.redteam import worlds
from tests.redteam.kit import EXIT_CODES, Box, BrokenError, case
from tests.redteam.servers import Request, kube_api, kubeconfig


def live(box: Box, config: object, *more: str) -> tuple[object, ...]:
    return ("diagnose", "--kubeconfig", config, "--no-probe", "--timeout", "4s", "--no-cache", *more)


@case("login-token-echoed", "M6")
def token_echoed(box: Box) -> None:
    """an API server that repeats the bearer token in the words of a 401, a 403 and a 500"""
    token = box.canary("token")
    bad = []
    for status in (401, 403, 500):

        def odd(request: Request, _: str, status: int = status) -> tuple[int, dict[str, str], bytes] | None:
            if status == 403 and request.path == "/version":
                return None
            return (
                status,
                {},
                json.dumps(
                    {
                        "kind": "Status",
                        "code": status,
                        "message": f"no: token {request.authorization.replace('Bearer ', '')}",
                    }
                ).encode(),
            )

        api = kube_api(box, [worlds.thing("Namespace", "shop", namespace="")], odd)
        done = box.sound(box.run(*live(box, kubeconfig(box, api.url, f"{{token: {token}}}"))), EXIT_CODES)
        if token in done.text:
            bad.append(str(status))
    if bad:
        raise BrokenError(f"the bearer token is printed when it stands in the words of a {', '.join(bad)}")


@case("login-token-in-snapshot", "M6")
def token_in_snapshot(box: Box) -> None:
    """the same 403 while a snapshot is saved: the token in its gaps"""
    token = box.canary("token")

    def odd(request: Request, kind: str) -> tuple[int, dict[str, str], bytes] | None:
        if kind != "HelmRelease":
            return None
        return (
            403,
            {},
            json.dumps(
                {
                    "kind": "Status",
                    "code": 403,
                    "message": f"forbidden for {request.authorization.replace('Bearer ', '')}",
                }
            ).encode(),
        )

    api = kube_api(box, [worlds.thing("Namespace", "shop", namespace="")], odd)
    target = box.path / "saved"
    config = kubeconfig(box, api.url, f"{{token: {token}}}")
    box.keeps(
        box.sound(
            box.run("snapshot", "-o", target, "--kubeconfig", config, "--no-probe", "--timeout", "8s", "--no-cache")
        ),
        token,
    )
    if token in (target / "snapshot.yaml").read_text():
        raise BrokenError("the bearer token is in snapshot.yaml")


@case("login-url-password", "M6")
def url_password(box: Box) -> None:
    """a password in the server's URL of a kubeconfig, when nobody answers there"""
    word = box.canary("pass")
    box.keeps(box.sound(box.run(*live(box, kubeconfig(box, f"http://user:{word}@127.0.0.1:1"))), EXIT_CODES), word)


@case("login-plugin-words", "M6")
def plugin_words(box: Box) -> None:
    """a credential plug-in that fails and says the token that it had"""
    token = box.canary("token")
    user = f'{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, "echo refused: token={token} >&2; exit 3"]}}}}'
    box.keeps(box.sound(box.run(*live(box, kubeconfig(box, "http://127.0.0.1:1", user))), EXIT_CODES), token)


@case("login-odd-kubeconfig", "held", quick=False)
def odd_kubeconfig(box: Box) -> None:
    """kubeconfigs that are damaged, or hold a login in a wrong shape: their words in the error"""
    word = box.canary("login")
    users = {
        "token as a list": f"{{token: [{word}], password: x}}",
        "not base64": f'{{client-certificate-data: "{word}", client-key-data: "{word}!"}}',
        "unknown form": f"{{token: {{value: {word}}}}}",
        "a login that is text": f'"{word}"',
        "provider": f"{{auth-provider: {{name: example, config: {{access-token: {word}}}}}}}",
    }
    texts = {
        "cut short": f"apiVersion: v1\nusers: [{{name: u, user: {{token: {word}}}",
        "flow with a tab": f"apiVersion: v1\nkind: Config\nusers: [{{name: u, user: {{token: {word},\t}}}}\n",
        "user that is no mapping": f"apiVersion: v1\nkind: Config\ncurrent-context: c\nusers: [{word}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nclusters: []\n",
        "text": f"{word}\n",
        "context as text": f"apiVersion: v1\nkind: Config\ncurrent-context: c\nusers: []\ncontexts: [{{name: c, context: {word}}}]\nclusters: []\n",
    }
    bad = []
    for name, user in users.items():
        texts[name] = kubeconfig(box, "http://127.0.0.1:1", user).read_text()
    for number, (name, text) in enumerate(texts.items()):
        path = box.path / f"config{number}"
        path.write_text(text)
        try:
            box.keeps(box.sound(box.run(*live(box, path), fast=True), EXIT_CODES), word)
        except BrokenError as error:
            bad.append(f"{name}: {str(error).partition(': ')[2][:90] or error}")
    if bad:
        raise BrokenError(f"{len(bad)} of {len(texts)}: {'; '.join(bad)}")


@case("login-kubeconfig-secret", "M6")
def kubeconfig_secret(box: Box) -> None:
    """the token of a kubeconfig that is the value of a Secret, in block and in flow style and as JSON, quoted by a message"""
    styles = {"block": "users:\n- name: u\n  user:\n    token: {}\n", "flow": "users:\n- name: u\n  user: {{token: {}}}\n",
              "JSON": '{{"users": [{{"name": "u", "user": {{"token": "{}"}}}}]}}'}  # fmt: skip
    head = "apiVersion: v1\nkind: Config\nclusters: []\n"
    words = {style: box.canary("token") for style in styles}
    objects = []
    for style, text in styles.items():
        value = text.format(words[style]) if style == "JSON" else head + text.format(words[style])
        name = f"remote-{style.lower()}"
        body = worlds.says(
            f"the server has asked for the client to provide credentials, not {words[style]}.", name=name
        )
        body["spec"]["kubeConfig"] = {"secretRef": {"name": name}}
        objects += [
            body,
            worlds.thing("Secret", name, type="Opaque", data={"value": base64.b64encode(value.encode()).decode()}),
        ]
    done = box.report(
        box.run("diagnose", "--from", worlds.write(box, worlds.files(objects)), "--format", "json", "--verbose")
    )
    shown_styles = [style for style, word in words.items() if word in done.text]
    if shown_styles:
        raise BrokenError(
            f"the token is shown where the kubeconfig is written in these styles: {', '.join(shown_styles)}"
        )
