"""Converts raw Kubernetes objects to resources and events.

A Secret becomes facts about it; its values are redacted in all other objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fluxdoctor.intake import secret_places, secret_values, secrets
from fluxdoctor.intake.redact import MASK, Redactor
from fluxdoctor.model.cluster import Event
from fluxdoctor.model.flux import KINDS, kind_name
from fluxdoctor.model.gaps import FileScope, Gap, GapReason
from fluxdoctor.model.resource import Fields, Marks, Ref, Resource, bounded, string
from fluxdoctor.model.times import moment

SECRET_KIND = re.compile(r"kind[\"']?\s*:\s*[\"']?Secret\b")
_EPOCH = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class ReadObjects:
    """The resources and events that were read, and the gaps for objects that were not."""

    resources: list[Resource] = field(default_factory=list)
    events: dict[Ref, list[Event]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)


def flatten(body: Any, origin: str) -> Iterator[tuple[Any, str]]:
    """Yield an object, or the items of a List (also of nested Lists), each with a description of its origin.

    The items of a typed list (``SecretList``, as printed by ``kubectl get --raw``) have no kind of their own.
    """
    pending = [(body, origin)]
    while pending:
        node, place = pending.pop()
        kind = str(node.get("kind", "")) if isinstance(node, Mapping) else ""
        if not (kind.endswith("List") and isinstance(node.get("items"), list)):
            yield node, place
            continue
        item_type = {"apiVersion": node.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
        items = [{**item_type, **item} if isinstance(item, Mapping) else item for item in node["items"]]
        pending += reversed([(item, f"{place} item {i}") for i, item in enumerate(items)])


def ref_of(body: Any) -> Ref | None:
    """Return the identity of a raw object, or None if it has no kind or name."""
    metadata = body.get("metadata") if isinstance(body, dict) else None
    kind, name = string(body, "kind"), string(metadata, "name")
    if not kind or not name:
        return None
    group, slash, _ = string(body, "apiVersion").partition("/")
    return Ref(kind_name(kind, group if slash else ""), string(metadata, "namespace"), name)


def read(raw: Iterable[tuple[Any, str]]) -> ReadObjects:
    """Convert raw objects to resources and events. An item that is not a Kubernetes object becomes a gap with its origin."""
    items = list(raw)
    secret_objects = [body for body, _ in items if is_secret(body) or is_like_secret(body)]
    redactor = Redactor(
        (v for body in secret_objects for v in secret_values.values(body)),
        (w for body in secret_objects for w in secret_values.words(body)),
    )
    result = ReadObjects()
    for body, origin in items:
        if Fields(body).text("kind") == "Event":
            _add_event(result, body, redactor)
        elif ref := ref_of(body):
            result.resources.append(Resource(body=_redact_object(body, redactor), ref=ref))
        else:
            path, _, item = origin.partition(" ")
            detail = "not a Kubernetes object: kind or metadata.name is missing"
            result.gaps.append(Gap(FileScope(path, item), GapReason.MALFORMED, detail))
    for events in result.events.values():
        events.sort(key=lambda e: (e.at or _EPOCH, e.reason, e.message), reverse=True)
    return result


def is_secret(body: Any) -> bool:
    """Tell whether an object is a Secret of the core group."""
    view = Fields(body)
    return view.text("kind") == "Secret" and "/" not in view.text("apiVersion")


def is_like_secret(body: Any) -> bool:
    """Tell whether an object of another group contains values as a Secret does, for example a ``ClusterSecret``."""
    view = Fields(body)
    return view.text("kind").endswith("Secret") and (view.has("stringData") or view.has("data"))


def _redact_object(body: Any, redactor: Redactor) -> Any:
    if is_secret(body):
        return secrets.facts(body)
    if is_like_secret(body):
        body = {**body, **{name: MASK for name in ("data", "stringData") if name in body}}
    if secret_places.may_hold_values_inside(body):
        body = secret_places.without_values(body)
    return redactor.body(body)


def without_values(body: Any) -> Any:
    """Return an object in the form that can be stored on disk: a Secret with clear-text values as the facts about it.

    A value that SOPS has encrypted is not clear text, nor is a single Flux variable without a default.
    """
    if not is_secret(body):
        return secret_places.without_values(body)
    return secrets.facts(body) if secret_places.has_values(body) else body


def holds_secret_inside(body: Any) -> bool:
    """Tell whether an object that is not a Secret holds a value of one: in an item, in the text of a field, in a patch."""
    return not is_secret(body) and secret_places.has_values(body)


def _add_event(result: ReadObjects, body: Any, redactor: Redactor) -> None:
    view = Fields(body)
    involved = view.fields("involvedObject") if view.has("involvedObject") else view.fields("regarding")
    group, slash, _ = involved.text("apiVersion").partition("/")
    kind = involved.text("kind")
    default_group = KINDS[kind].group if kind in KINDS else ""
    ref = Ref(kind_name(kind, group if slash else default_group), involved.text("namespace"), involved.text("name"))
    last_time = view.text("series.lastObservedTime") or view.text("lastTimestamp") or view.text("eventTime")
    time = moment(last_time or view.text("metadata.creationTimestamp"))
    message = bounded(redactor.text(view.text("message") or view.text("note")))
    count = view.number("count") or view.number("series.count", 1)
    result.events.setdefault(ref, []).append(Event(view.text("type"), view.text("reason"), message, time, count))


def manifest(body: Any, file: str, marks: Marks, *, may_hold_values: bool = True) -> Resource:
    """Convert a document of a git file to a resource. ``may_hold_values``: what ``secret_places`` says of its file."""
    view = Fields(body)
    ref = ref_of(body) or Ref(view.text("kind"), view.text("metadata.namespace"), view.text("metadata.name"))
    return Resource(body=visible(body) if may_hold_values else body, ref=ref, file=file, marks=marks)


def visible(body: Any) -> Any:
    """Return a document of a git file without the values of Secrets, with the public part of SOPS."""
    if is_secret(body):
        return {**secrets.facts(body), **_sops(Fields(body))}
    return secret_places.without_values(body)


def _sops(view: Fields) -> dict[str, Any]:
    if not view.has("sops"):
        return {}
    recipients = [row.text("recipient") for row in view.rows("sops.age")]
    keys = [row.text("fp") for row in view.rows("sops.pgp")]
    services = [k for k in ("kms", "gcp_kms", "azure_kv", "hc_vault") if view.rows(f"sops.{k}")]
    return {"sops": {"age": recipients, "pgp": keys, "services": services}}
