"""What the tools answer: their schemas, and how much of a long list fits into one answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, Field

_CHARACTERS = 3  # of JSON to a token, at the least: ids and names are cut small
T = TypeVar("T", bound=BaseModel)
GONE = "this cursor belongs to an earlier diagnosis, or to other arguments: leave it out to start from the beginning"


class Thing(BaseModel):
    """A Kubernetes object."""

    kind: str
    namespace: str
    name: str


class Cause(BaseModel):
    """A finding: one root cause. The same rule, subject and fingerprint as in the command line's JSON report."""

    rule: str = Field(description="what explain_rule takes")
    severity: str = Field(description="error: broken; warning: works, and is wrong or dangerous; info: worth knowing")
    confidence: str = Field(description="proven: facts show it; reported: the controller says so; likely: inferred")
    subject: Thing = Field(description="the object to change or look at")
    also: list[str] = Field(default=[], description="other objects with this very cause, the first few")
    message: str = Field(description="what is wrong with the subject")
    fix: str = Field(description="what to change, or which command to run")
    field: str = Field(default="", description="the field of the subject to change")
    location: str = Field(default="", description="file:line of it in a git repository")
    evidence: list[str] = []
    blocked: int = Field(description="how many objects fail only because of this")
    blocks: list[str] = Field(default=[], description="the first few of those")
    stale: int = Field(default=0, description="how many are Ready, but get no changes because of this")
    fingerprint: str


class Page(BaseModel):
    """What every list says of itself."""

    total: int = Field(default=0, description="how many there are in all")
    cursor: str = Field(default="", description="pass it, with the same arguments, for the next ones; empty at the end")
    not_seen: list[str] = Field(
        default=[], description="what could not be read or checked, and why: not the same as fine"
    )
    not_seen_total: int = 0
    source: str = Field(default="", description="which cluster, snapshot or repository this is about")
    age_seconds: int = Field(default=0, description="how long ago that was read")
    note: str = ""


class Diagnosis(Page):
    """The verdict and its root causes, the first thing to fix first."""

    verdict: str = Field(description="of what was asked about: healthy, broken, or incomplete (not all could be seen)")
    mode: str = Field(description="live, replay (of a snapshot) or check (of a repository)")
    objects: int = Field(description="Flux objects of what was asked about")
    not_ready: int
    object: ObjectState | None = Field(default=None, description="the one object that was asked about")
    findings: list[Cause] = []
    chains: list[str] = Field(default=[], description="of one object: the way from it to each cause")


class ObjectState(BaseModel):
    """A Flux object, in short."""

    kind: str
    namespace: str
    name: str
    state: str = Field(description="ready, failed, progressing, suspended, static (no status by design) or new")
    revision: str = ""
    since: str = ""
    reason: str = ""
    message: str = ""
    source: str = ""
    suspended_by: str = ""


class States(Page):
    """Flux objects, those that fail first."""

    items: list[ObjectState] = []
    counts: dict[str, int] = Field(default={}, description="how many are in which state")


class Happening(BaseModel):
    """A Kubernetes event."""

    object: str
    type: str
    reason: str
    message: str
    at: str
    count: int


class Happenings(Page):
    """Events, the newest first."""

    items: list[Happening] = []


class RulePage(BaseModel):
    """A rule: when it speaks, why that happens, and the fix."""

    rule: str
    severity: str
    summary: str
    fix: str
    faults: list[str] = []
    page: str = Field(description="Markdown")


class Drawing(Page):
    """The dependency graph, causes first: a picture, or its lines where that would be too long."""

    mermaid: str = Field(default="", description="a flowchart; empty where it would be too long")
    lines: list[str] = Field(
        default=[], description="the nodes by number, then the arrows: what is needed -> what needs it"
    )


class ChangeOutcome(BaseModel):
    """What a writing tool did, and what came of it."""

    object: Thing
    action: str
    dry_run: bool
    changed: list[str] = Field(default=[], description="the fields and annotations that were written")
    handled: bool = Field(default=False, description="the controller has taken the request up")
    ready: str = Field(default="", description="True, False or Unknown: the Ready condition at the end")
    reason: str = ""
    message: str = ""
    revision_before: str = ""
    revision_after: str = ""
    seconds: float = 0
    source: ChangeOutcome | None = None
    meanwhile: list[str] = Field(default=[], description="what changed while it was suspended")
    note: str = ""


def result(answer: BaseModel) -> CallToolResult:
    """Return an answer as structured content, and as compact JSON for clients that read text alone."""
    body = _body(answer)
    return CallToolResult(content=[TextContent(type="text", text=compact(body))], structured_content=body)


def compact(body: Any) -> str:
    """Return JSON without blanks; escapes for what is not ASCII would be longer."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def size(body: BaseModel) -> int:
    """Return about how many tokens an answer takes."""
    return tokens(compact(_body(body)))


def tokens(text: str) -> int:
    """Return about how many tokens a text takes."""
    return len(text) // _CHARACTERS + 1


def _body(answer: BaseModel) -> dict[str, Any]:
    """An answer says of itself also what is empty; of the many things in it, what they lack is left out."""
    brief = answer.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if not isinstance(answer, (Page, ChangeOutcome, RulePage)):
        return brief
    whole = answer.model_dump(mode="json", exclude_none=True)
    return {
        key: brief[key] if isinstance(value, (list, dict)) and key in brief else value for key, value in whole.items()
    }


def fit(items: Sequence[T], begin: int, tokens: int, used: int) -> tuple[list[T], int]:
    """Return the items from ``begin`` that fit beside what is used already, at least one, and where the next ones begin."""
    page: list[T] = []
    room = tokens - used
    for item in items[begin:]:
        room -= size(item)
        if page and room < 0:
            break
        page.append(item)
    return page, begin + len(page)


def read_cursor(cursor: str, diagnosis: str) -> int:
    """Return where the next page begins. Raises ToolError for a text that is not a cursor, or the cursor of another diagnosis."""
    if not cursor:
        return 0
    owner, _, place = cursor.partition(".")
    if not place.isascii() or not place.isdecimal() or len(place) > 9:  # noqa: PLR2004 - digits
        raise ToolError("this is not a cursor of this tool: leave it out to start from the beginning")
    if owner != diagnosis:
        raise ToolError(GONE)
    return int(place)
