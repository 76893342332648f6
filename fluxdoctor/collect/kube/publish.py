"""The one thing that fluxdoctor writes into a cluster, and only when it is asked to: report objects of its own.

They are applied on the server's side under fluxdoctor's field manager; what an earlier run wrote and this one does not is
deleted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from fluxdoctor.collect.kube.api import Api, ApiError
from fluxdoctor.collect.kube.login import ClusterConnection, ClusterLogin, connect
from fluxdoctor.collect.net.deadline import Deadline

MANAGER = "fluxdoctor"
_PLURALS = {"Report": "reports", "ClusterReport": "clusterreports"}
#: What the API server answers for a namespace that is not there (404) or ends (403, its admission).
_HOMELESS = ("not found", "being terminated")

Body = dict[str, Any]


class PublishError(Exception):
    """The objects could not be written; the text says which, why, and what to do."""


def publish(
    make: Callable[[Collection[str]], Sequence[Body]], login: ClusterLogin, deadline: Deadline, *, prune: bool
) -> tuple[int, int]:
    """Write the objects that ``make`` returns for the namespaces that can hold none; return how many were written and deleted.

    ``prune``: delete those of earlier runs; not where this run could not see everything. Raises PublishError, ClusterError.
    """
    with connect(login, deadline) as connection:
        writer = _Writer(connection, deadline)
        group = make(())[0]["apiVersion"]
        writer.look_for(group)
        homeless: set[str] = set()
        for body in make(()):
            space = body["metadata"].get("namespace")
            if space and not writer.apply(body):
                homeless.add(space)
        # What was found in a namespace that is gone or ends is told for the cluster.
        final = make(homeless)
        for body in final:
            if not body["metadata"].get("namespace"):
                writer.apply(body)
        kept = {(b["kind"], b["metadata"].get("namespace", ""), b["metadata"]["name"]) for b in final}
        return len(kept), writer.prune(group, final[0]["metadata"]["labels"], kept) if prune else 0


class _Writer:
    def __init__(self, connection: ClusterConnection, deadline: Deadline) -> None:
        self._connection, self._deadline = connection, deadline
        self._api = Api(connection, deadline)

    def look_for(self, api_version: str) -> None:
        """Raise PublishError where the kinds are not served."""
        try:
            self._api.get(f"/apis/{api_version}")
        except ApiError as error:
            if error.absent:
                raise PublishError(
                    f"this cluster does not serve {api_version}: install its CustomResourceDefinitions first "
                    "(https://openreports.io)"
                ) from None
            raise PublishError(f"{api_version}: {error.why}") from None

    def apply(self, body: Body) -> bool:
        """Apply an object; False where its namespace cannot hold it. Raises PublishError."""
        query = urlencode({"fieldManager": MANAGER, "force": "true"})
        status, answer = self._send("PATCH", f"{_path(body)}?{query}", body)
        if status < 300:  # noqa: PLR2004 - HTTP
            return True
        why = _why(status, answer)
        space = body["metadata"].get("namespace", "")
        if space and status in (403, 404) and any(words in why for words in _HOMELESS) and f'"{space}"' in why:
            return False
        raise PublishError(f"{body['kind']} {space or body['metadata']['name']}: {why}")

    def prune(self, api_version: str, labels: dict[str, str], kept: Collection[tuple[str, str, str]]) -> int:
        """Delete the objects with the labels that are not to be kept; return how many. Raises PublishError."""
        selector = {"labelSelector": ",".join(f"{k}={v}" for k, v in labels.items())}
        gone = 0
        for kind, plural in _PLURALS.items():
            found: list[Body] = []
            try:
                for _ in self._api.items(f"/apis/{api_version}/{plural}", found, selector):
                    pass
            except ApiError as error:
                raise PublishError(f"earlier {plural} could not be listed: {error.why}") from None
            for old in found:
                meta = old.get("metadata", {})
                key = (kind, meta.get("namespace", ""), meta.get("name", ""))
                if key not in kept:
                    gone += self._delete({"apiVersion": api_version, "kind": kind, "metadata": meta})
        return gone

    def _delete(self, body: Body) -> bool:
        status, answer = self._send("DELETE", _path(body), None)
        if status >= 300 and status != 404:  # noqa: PLR2004 - HTTP
            raise PublishError(f"{body['kind']} {body['metadata'].get('namespace', '')}: {_why(status, answer)}")
        return status < 300  # noqa: PLR2004 - HTTP

    def _send(self, method: str, target: str, body: Body | None) -> tuple[int, bytes]:
        from urllib3 import HTTPHeaderDict, Timeout
        from urllib3.exceptions import HTTPError

        left = self._deadline.left()
        if left <= 0:
            raise PublishError("the time for this run was over")
        headers = HTTPHeaderDict([*self._connection.headers(), ("Content-Type", "application/apply-patch+yaml")])
        try:
            answer = self._connection.pool.request(
                method, self._connection.host + target, headers=headers, redirect=False, retries=False,
                body=json.dumps(body).encode() if body is not None else None,  # JSON is YAML
                timeout=Timeout(connect=min(5.0, left), read=min(20.0, left)),
            )  # fmt: skip
        except (HTTPError, OSError) as error:
            raise PublishError(f"the API server did not answer ({type(error).__name__})") from None
        return answer.status, answer.data


def _path(body: Body) -> str:
    meta = body["metadata"]
    space = f"/namespaces/{quote(meta['namespace'], safe='')}" if meta.get("namespace") else ""
    return f"/apis/{body['apiVersion']}{space}/{_PLURALS[body['kind']]}/{quote(meta['name'], safe='')}"


def _why(status: int, answer: bytes) -> str:
    try:
        message = json.loads(answer)["message"]
    except (ValueError, KeyError, TypeError):
        message = ""
    return " ".join(str(message).split())[:300] or f"HTTP {status}"
