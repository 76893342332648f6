"""Which requests are spoiled, how, and what was seen of them."""

from __future__ import annotations

import base64
import fnmatch
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.e2e import bad_answers
from tests.e2e.bad_answers import Kind


@dataclass(slots=True)
class Fault:
    """What is wrong with the requests below a path: how, how often, and from which request on."""

    path: str
    kind: Kind
    times: int | None = None  # None: always
    after: int = 0  # so many matching requests go through first
    continued: bool = False  # only pages after the first: requests with a continue token
    seconds: float = 1  # of a 429: Retry-After; of "slow": the delay; of "drip": how long it takes
    size: int = bad_answers.HUGE  # of "huge" and "gzip-bomb": bytes, unpacked
    seen: int = 0

    def strikes(self, path: str, query: Mapping[str, str]) -> bool:
        """Count a request, and say whether it is to be spoiled."""
        wanted = fnmatch.fnmatchcase(path, self.path) if "*" in self.path else path.startswith(self.path)
        if not wanted or ((self.continued or self.kind == "expired") and "continue" not in query):
            return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


@dataclass(slots=True)
class Seen:
    """A request that came in, and what became of it."""

    method: str
    path: str
    query: dict[str, str]
    user_agent: str
    accept_encoding: str
    impersonated: str
    fault: Kind | None = None
    status: int = 0  # 0: never answered
    sent: int = 0  # bytes of the body, as they went over the line


def outdated(target: str) -> str:
    """Return a request whose continue token is of the first revision, which the API server has long forgotten."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    token = json.loads(base64.urlsafe_b64decode(query["continue"] + "=="))
    query["continue"] = base64.urlsafe_b64encode(json.dumps({**token, "rv": 1}).encode()).decode().rstrip("=")
    return f"{parts.path}?{urlencode(query)}"
