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
GONE = "this cursor belongs to another diagnosis or to other arguments; omit it to start from the beginning"


class Thing(BaseModel):
    """A Kubernetes object."""

    kind: str
    namespace: str
    name: str


class Cause(BaseModel):
    """A finding: one root cause. The same rule, subject and fingerprint as in the command line's JSON report."""

    rule: str = Field(description="Id of the rule, for explain_rule.")
    severity: str = Field(
        description="One of error (broken), warning (works, but is wrong or at risk) or info (advice)."
    )
    confidence: str = Field(
        description="One of proven (shown by facts), reported (by the controller) or likely (inferred)."
    )
    subject: Thing = Field(description="Object to change or inspect.")
    also: list[str] = Field(default=[], description="First few other objects with the same cause.")
    message: str = Field(description="What is wrong with the subject.")
    fix: str = Field(description="What to change, or which command to run.")
    field: str = Field(default="", description="Field of the subject to change.")
    location: str = Field(default="", description="File and line of the field in git.")
    evidence: list[str] = []
    blocked: int = Field(description="Number of objects that fail only because of this.")
    blocks: list[str] = Field(default=[], description="First few of the blocked objects.")
    stale: int = Field(
        default=0, description="Number of objects that are Ready, but receive no changes because of this."
    )
    fingerprint: str


class Page(BaseModel):
    """The fields that every list has."""

    total: int = Field(default=0, description="Number of items on all pages.")
    cursor: str = Field(
        default="", description="Cursor of the next page, for a call with the same arguments. Empty on the last page."
    )
    not_seen: list[str] = Field(
        default=[], description="What could not be checked, and why. Its state is unknown, not healthy."
    )
    not_seen_total: int = 0
    source: str = Field(default="", description="Cluster, snapshot or repository of this answer.")
    age_seconds: int = Field(default=0, description="Age of the facts in seconds.")
    note: str = ""


class Diagnosis(Page):
    """The verdict, and the root causes in the order to fix them."""

    verdict: str = Field(
        description="Verdict on the query: healthy, broken or incomplete (something could not be checked)."
    )
    mode: str = Field(description="One of live, replay (of a snapshot) or check (of a repository).")
    objects: int = Field(description="Number of Flux objects in the query.")
    not_ready: int
    object: ObjectState | None = Field(default=None, description="State of the object in the query.")
    findings: list[Cause] = []
    chains: list[str] = Field(default=[], description="Chain from the object in the query to each root cause.")


class ObjectState(BaseModel):
    """The state of a Flux object."""

    kind: str
    namespace: str
    name: str
    state: str = Field(description="One of ready, failed, progressing, suspended, static (no status by design) or new.")
    revision: str = ""
    since: str = ""
    reason: str = ""
    message: str = ""
    source: str = ""
    suspended_by: str = ""


class States(Page):
    """Flux objects, failing ones first."""

    items: list[ObjectState] = []
    counts: dict[str, int] = Field(default={}, description="Number of objects by state.")


class EventRow(BaseModel):
    """A Kubernetes event."""

    object: str
    type: str
    reason: str
    message: str
    at: str
    count: int


class EventPage(Page):
    """Events, newest first."""

    items: list[EventRow] = []


class RulePage(BaseModel):
    """A rule: what it reports, why the fault happens, and the fix."""

    rule: str
    severity: str
    summary: str
    fix: str
    faults: list[str] = []
    page: str = Field(description="Page of the rule in Markdown.")


class Drawing(Page):
    """The dependency graph, root causes first: as a flowchart, or as lines if the flowchart is too long."""

    mermaid: str = Field(default="", description="Mermaid flowchart. Empty if it is too long.")
    lines: list[str] = Field(
        default=[], description="Nodes by number, then arrows from an object to the objects that need it."
    )


class ChangeOutcome(BaseModel):
    """The result of a change."""

    object: Thing
    action: str
    dry_run: bool
    changed: list[str] = Field(default=[], description="Fields and annotations that were changed.")
    handled: bool = Field(default=False, description="Whether the controller has handled the request.")
    ready: str = Field(default="", description="Status of the Ready condition: True, False or Unknown.")
    reason: str = ""
    message: str = ""
    revision_before: str = ""
    revision_after: str = ""
    seconds: float = 0
    source: ChangeOutcome | None = None
    meanwhile: list[str] = Field(default=[], description="What changed while the object was suspended.")
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
        raise ToolError("this is not a cursor of this tool; omit it to start from the beginning")
    if owner != diagnosis:
        raise ToolError(GONE)
    return int(place)
