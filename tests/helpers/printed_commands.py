"""The commands in a text that a user reads, and what is wrong with them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

#: What a command leaves to the reader, as a shell variable, and why it cannot be known. Any other word in capitals is a name
#: that a rule could have filled in.
READERS = {
    "TOKEN": "a credential that fluxdoctor must not know",
    "REGISTRY_USER": "the user name that belongs to the credential",
    "FILE": "a file on the reader's own disk",
    "APP_ID": "the number of a GitHub App: only GitHub shows it",
    "INSTALLATION_ID": "the number of an installation of a GitHub App: only GitHub shows it",
}
_UNFILLED = re.compile(r"(?<![\w$\"./{-])[A-Z][A-Z_]+N?\b(?![\w.-])|\.v?N\b")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
#: A command in a text: up to a comma, a parenthesis or the end of the sentence.
_COMMAND = re.compile(
    r"(?<![\w./-])(?:(?:flux|flux-operator|kubectl|helm|sops|kustomize|cosign|fluxdoctor) (?=-|[a-z])|ssh-keyscan|git (?=[a-z]+ -?\w))"
    r"(?:'[^']*'|\"[^\"]*\"|(?!(?<!\.)\.(?:\s|$)|[,;)]| \(|: |['\"]| with (?:the|an?|one) | prints? | does | (?:lists?|reports?) ).)*"
)
#: Commands that do nothing without an object, by the words before it.
_NEEDS_OBJECT = re.compile(
    r"kubectl (?:-n \S+ )?(?:describe|logs|annotate|patch|delete|get|label|edit)"
    r"|helm (?:rollback|uninstall|get \w+|history|show values|upgrade)"
    r"|flux (?:reconcile|suspend|resume|logs|trace|tree|create|push|delete|get)\b"
    r"|sops(?: --decrypt| updatekeys| edit)|kustomize build|ssh-keyscan"
)
#: The flags without which the flux CLI returns an error, or creates a Secret that no controller can use (cmd/flux, 2.9).
_SECRET_FLAGS = {
    "git": ("url",),
    "oci": ("url", "username", "password"),
    "githubapp": ("app-id", "app-installation-id", "app-private-key"),
    "helm": ("username", "password"),
    "tls": ("tls-crt-file", "tls-key-file"),
    "proxy": ("address",),
    "receiver": ("type", "hostname"),
    "notation": ("ca-cert-file", "trust-policy-file"),
}


def commands_in(text: str) -> list[str]:
    return [found[0].strip() for found in _COMMAND.finditer(text)]


def flaws_of_command(command: str) -> Iterator[str]:
    """Yield why a command cannot be run as it is printed."""
    if re.search(r"(?:^|\s)(?:-n|--namespace)(?:$|=?\s{2}|=?\s*(?:-|$|\"\"|''))", command):
        yield "empty namespace"
    if "..." in command:
        yield "ellipsis"
    if word := _UNFILLED.search(command):
        yield f"{word[0]} is left out"
    yield from (f"variable {name}" for name in _VARIABLE.findall(command) if name not in READERS)
    try:
        words = shlex.split(command)
    except ValueError as error:
        yield str(error)
        return
    verb = _NEEDS_OBJECT.match(command)
    if verb and len(words) == len(verb[0].split()):
        yield "no object"
    if words[:3] == ["flux", "create", "secret"]:
        yield from _secret_flaws(words[3:])


def _secret_flaws(words: list[str]) -> Iterator[str]:
    kind, name = (*words, "", "")[:2]
    flags = dict(w.removeprefix("--").split("=", 1) for w in words if w.startswith("--") and "=" in w)
    if kind not in _SECRET_FLAGS or not re.fullmatch(r"[a-z0-9.-]+", name) or name.startswith("-"):
        yield "flux create secret without a kind and a name"
        return
    if "-n" not in words:
        yield "flux create secret without -n"
    required = _SECRET_FLAGS[kind]
    if kind == "git":
        required += ("private-key-file",) if flags.get("url", "").startswith("ssh://") else ("username", "password")
    yield from (f"flux create secret {kind} without --{flag}" for flag in required if not flags.get(flag))
