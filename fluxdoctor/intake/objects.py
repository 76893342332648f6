"""Raw Kubernetes objects to facts, at the door: Secrets become facts about them, and their values are redacted elsewhere."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fluxdoctor.intake import documents, secrets
from fluxdoctor.intake.places import Path
from fluxdoctor.intake.redact import Redactor, mask_spans
from fluxdoctor.model.cluster import Event, Gap
from fluxdoctor.model.facts import clean
from fluxdoctor.model.flux import KINDS, kind_name
from fluxdoctor.model.manifests import FILE_NAMES
from fluxdoctor.model.resource import Fields, Marks, Ref, Resource, string
from fluxdoctor.model.times import moment

MASK = "[redacted]"
_ACTION = re.compile(r"\{\{.*?\}\}")
_PLAIN = (".sourceignore", ".gitmodules", ".gitattributes")
_SECRET_KIND = re.compile(r"kind[\"']?\s*:\s*[\"']?Secret\b")
_UNTOLD = re.compile(r"ENC\[|\$\{\w+\}\Z")
_EPOCH = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Read:
    """Objects on their way into a Cluster."""

    resources: list[Resource] = field(default_factory=list)
    events: dict[Ref, list[Event]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)


def flatten(body: Any, where: str) -> Iterator[tuple[Any, str]]:
    """Yield an object, or the items of a List (also of a List in it), with words for where each stood.

    The items of a typed list (``SecretList``, as ``kubectl get --raw`` prints it) have no kind of their own.
    """
    waiting = [(body, where)]
    while waiting:
        one, place = waiting.pop()
        kind = str(one.get("kind", "")) if isinstance(one, Mapping) else ""
        if not (kind.endswith("List") and isinstance(one.get("items"), list)):
            yield one, place
            continue
        own = {"apiVersion": one.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
        items = [{**own, **item} if isinstance(item, Mapping) else item for item in one["items"]]
        waiting += reversed([(item, f"{place} item {i}") for i, item in enumerate(items)])


def ref_of(body: Any) -> Ref | None:
    """Return the identity of a raw object, or None when it has none."""
    metadata = body.get("metadata") if isinstance(body, dict) else None
    kind, name = string(body, "kind"), string(metadata, "name")
    if not kind or not name:
        return None
    group, slash, _ = string(body, "apiVersion").partition("/")
    return Ref(kind_name(kind, group if slash else ""), string(metadata, "namespace"), name)


def read(raw: Iterable[tuple[Any, str]]) -> Read:
    """Turn raw objects into resources and events. What is not a Kubernetes object becomes a gap that names its place."""
    items = list(raw)
    held = [body for body, _ in items if _is_secret(body) or _is_like_secret(body)]
    redactor = Redactor(
        (v for body in held for v in secrets.values(body)), (w for body in held for w in secrets.words(body))
    )
    found = Read()
    for body, where in items:
        if Fields(body).text("kind") == "Event":
            _event(found, body, redactor)
        elif ref := ref_of(body):
            found.resources.append(Resource(body=_safe(body, redactor), ref=ref))
        else:
            found.gaps.append(Gap(where, "not a Kubernetes object: kind or metadata.name is missing"))
    for events in found.events.values():
        events.sort(key=lambda e: (e.at or _EPOCH, e.reason, e.message), reverse=True)
    return found


def _is_secret(body: Any) -> bool:
    view = Fields(body)
    return view.text("kind") == "Secret" and "/" not in view.text("apiVersion")


def _is_like_secret(body: Any) -> bool:
    """A kind of another group that holds values as a Secret does (``ClusterSecret`` and its like)."""
    view = Fields(body)
    return view.text("kind").endswith("Secret") and (view.has("stringData") or view.has("data"))


def _safe(body: Any, redactor: Redactor) -> Any:
    if _is_secret(body):
        return secrets.facts(body)
    if _is_like_secret(body):
        body = {**body, **{name: MASK for name in ("data", "stringData") if name in body}}
    return redactor.body(body)


def without_values(body: Any) -> Any:
    """Return an object as it may be kept on disk: a Secret as the facts about it, unless it holds no value in the clear.

    What SOPS has encrypted is none, nor is a value that is nothing but a variable of Flux, without a default.
    """
    held = [v for name in ("data", "stringData") for _, v in Fields(body).items(name)]
    if not (_is_secret(body) or _is_like_secret(body)) or all(map(_UNTOLD.match, held)):
        return body
    return secrets.facts(body) if _is_secret(body) else {**body, **dict.fromkeys(("data", "stringData"), MASK)}


def holds_secret_inside(body: Any) -> bool:
    """Tell whether an object, itself no Secret, holds one below its root or in the text of a patch."""
    waiting: list[tuple[Any, bool]] = [(body, False)]
    while waiting:
        one, inside = waiting.pop()
        if isinstance(one, dict):
            held = one.get("data") is not None or one.get("stringData") is not None
            if inside and held and string(one, "kind").endswith("Secret"):
                return True  # a reference to one says its kind too
            if string(one, "patch") and string(one.get("target"), "kind") == "Secret":
                return True
        values = one.values() if isinstance(one, dict) else one if isinstance(one, list) else (one,)
        for value in values:
            if isinstance(value, dict | list):
                waiting.append((value, True))
            elif isinstance(value, str) and "\n" in value and _SECRET_KIND.search(value):
                return True
    return False


def _event(found: Read, body: Any, redactor: Redactor) -> None:
    view = Fields(body)
    about = view.fields("involvedObject") if view.has("involvedObject") else view.fields("regarding")
    group, slash, _ = about.text("apiVersion").partition("/")
    kind = about.text("kind")
    known = KINDS[kind].group if kind in KINDS else ""
    ref = Ref(kind_name(kind, group if slash else known), about.text("namespace"), about.text("name"))
    last = view.text("series.lastObservedTime") or view.text("lastTimestamp") or view.text("eventTime")
    at = moment(last or view.text("metadata.creationTimestamp"))
    message = redactor.text(view.text("message") or view.text("note"))
    count = view.number("count") or view.number("series.count", 1)
    found.events.setdefault(ref, []).append(Event(view.text("type"), view.text("reason"), message, at, count))


def manifest(body: Any, file: str, marks: Marks) -> Resource:
    """Turn a document of a git file into a resource."""
    view = Fields(body)
    ref = ref_of(body) or Ref(view.text("kind"), view.text("metadata.namespace"), view.text("metadata.name"))
    return Resource(body=visible(body), ref=ref, file=file, marks=marks)


def visible(body: Any) -> Any:
    """Return a document of a git file without the values of a Secret or of its generator; the public part of SOPS is kept."""
    view = Fields(body)
    if _is_secret(body):
        return {**secrets.facts(body), **_sops(view)}
    if view.has("secretGenerator"):
        return {**body, "secretGenerator": [_keys_only(row) for row in view.rows("secretGenerator")]}
    return body


def _keys_only(generator: Fields) -> dict[str, Any]:
    literals = [f"{text.partition('=')[0]}={MASK}" for text in generator.strings("literals")]
    return {**generator.body, "literals": literals}


def masker(files: Mapping[str, bytes]) -> Callable[[str], bytes]:
    """Return what gives a file of a tree without secret values; the tree is searched for secret generators once."""
    generated: list[frozenset[str]] = []
    masked: dict[str, bytes] = {}  # several rules, and every cluster of a repository, ask for the same file

    def mask(path: str) -> bytes:
        if not generated:
            generated.append(generator_files(files))
        if path not in masked:
            masked[path] = _masked(files[path], path, generated[0])
        return masked[path]

    return mask


def _masked(content: bytes, path: str, generated: frozenset[str]) -> bytes:
    """Return a file of a tree as it may be saved: without the values of the Secrets and secret generators in it.

    A Secret's document becomes the facts about it on one line, so that neither a comment nor a repeated key can keep a
    value, and the lines of the documents after it stay where they are. What no rule reads (a script, a key, an .env) is
    saved as an empty file.
    """
    if path in generated:
        return MASK.encode()
    name = posixpath.basename(path)
    if "templates/" in path and name.endswith((".tpl", ".txt")):
        return _expressions(content.decode("utf-8", "replace")).encode()
    if not name.endswith((".yaml", ".yml", ".json")) and name not in (*FILE_NAMES, *_PLAIN):
        return b""
    if b"ecret" not in content:
        return content
    text = content.decode("utf-8", "replace")
    parsed = documents.parse(text, path)
    if parsed.error and _SECRET_KIND.search(text):
        return f"[ {MASK}: this file names a Secret and is not YAML\n{_expressions(text)}".encode()
    spans = [span for document in parsed.documents for span in _secret_spans(document)]
    if spans:
        text = mask_spans(text, spans)
    lines = text.split("\n")
    for document in parsed.documents:
        if _is_secret(document.body):
            _tell(lines, document, path)
    return "\n".join(lines).encode()


def _tell(lines: list[str], document: documents.Document, path: str) -> None:
    """Replace the lines of a Secret, from one document's end to the next, by one line of facts."""
    first = last = document.marks[()][0] - 1
    while first > 0 and not lines[first - 1].startswith(("---", "...")):
        first -= 1
    while last + 1 < len(lines) and not lines[last + 1].startswith(("---", "...")):
        last += 1
    if lines[first].startswith("---"):  # the document begins on the line of its separator
        lines[first], first = "---", min(first + 1, last)
    elif first and lines[first - 1].startswith("---"):  # what stands behind a separator is a comment
        lines[first - 1] = "---"
    facts = manifest(document.body, path, {}).body
    lines[first : last + 1] = [json.dumps(facts), *[""] * (last - first)]


def _expressions(text: str) -> str:
    """Return the actions of a Go template, each on the line where it stands, without the text around them."""
    return "\n".join(" ".join(_ACTION.findall(line)) for line in text.split("\n"))


def _secret_spans(document: documents.Document) -> Iterator[tuple[int, int]]:
    """Yield where values stand: literals of a generator, the data of a Secret in a List, patches of a Secret."""
    inner = tuple(_inner_secrets(document.body))
    body = Fields(document.body)
    for at, span in document.spans.items():
        held = any(
            at[: len(top)] == top and at[len(top) : len(top) + 1] in (("data",), ("stringData",)) for top in inner
        )
        generated = at[:1] == ("secretGenerator",) and "literals" in at
        if held or generated or _patches_secret(body, at):
            yield span


def _inner_secrets(body: Any) -> Iterator[Path]:
    """Yield the paths of the Secrets that a document holds below its root, and of what is like one."""
    waiting: list[tuple[Path, Any]] = [((), body)]
    while waiting:
        at, one = waiting.pop()
        if isinstance(one, dict):
            if (at and _is_secret(one)) or (not _is_secret(one) and _is_like_secret(one)):
                yield at
            waiting += [((*at, key), value) for key, value in one.items()]
        elif isinstance(one, list):
            waiting += [((*at, i), value) for i, value in enumerate(one)]


def _patches_secret(body: Fields, at: Path) -> bool:
    """Tell whether a text in a document is itself a Secret, or changes one (patches of kustomize and of Flux)."""
    text = body.get(at)
    if not isinstance(text, str) or "\n" not in text:
        return isinstance(text, str) and _is_secret_target(body, at)
    return bool(_SECRET_KIND.search(text)) or _is_secret_target(body, at)


def _is_secret_target(body: Fields, at: Path) -> bool:
    return bool(at) and at[-1] == "patch" and body.text((*at[:-1], "target", "kind")) == "Secret"


def generator_files(files: Mapping[str, bytes]) -> frozenset[str]:
    """Return the files whose content becomes a Secret through a secretGenerator of a kustomization file."""
    found = set()
    for path, content in files.items():
        if posixpath.basename(path) in FILE_NAMES and b"secretGenerator" in content:
            for document in documents.parse(content, path).documents:
                for row in Fields(document.body).rows("secretGenerator"):
                    named = (*row.strings("files"), *row.strings("envs"), row.text("env"))
                    found |= {clean(posixpath.join(posixpath.dirname(path), n.rpartition("=")[2])) for n in named if n}
    return frozenset(found)


def _sops(view: Fields) -> dict[str, Any]:
    if not view.has("sops"):
        return {}
    recipients = [row.text("recipient") for row in view.rows("sops.age")]
    keys = [row.text("fp") for row in view.rows("sops.pgp")]
    services = [k for k in ("kms", "gcp_kms", "azure_kv", "hc_vault") if view.rows(f"sops.{k}")]
    return {"sops": {"age": recipients, "pgp": keys, "services": services}}
