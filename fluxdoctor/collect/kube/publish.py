"""Publishes reports as OpenReports objects in a cluster, only on request.

They are written with server-side apply under the field manager fluxdoctor. Objects of earlier runs that this run does not
write are deleted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from fluxdoctor.collect.kube.api import Api, ApiError
from fluxdoctor.collect.kube.login import ClusterConnection, ClusterLogin, connect
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.intake.credentials import redacted

MANAGER = "fluxdoctor"
_PLURALS = {"Report": "reports", "ClusterReport": "clusterreports"}
#: The API server's answer for a namespace that does not exist (404) or is terminating (403, by admission).
_UNUSABLE_NAMESPACE = ("not found", "being terminated")

Body = dict[str, Any]


class PublishError(Exception):
    """The objects cannot be written; the text says which, why, and how to fix it."""


def publish(
    make_objects: Callable[[Collection[str]], Sequence[Body]], login: ClusterLogin, deadline: Deadline, *, prune: bool
) -> tuple[int, int]:
    """Write the report objects; return the numbers of written and deleted objects. Raises PublishError, ClusterError.

    ``make_objects`` returns the objects, given the namespaces that cannot hold one. ``prune``: delete the objects of earlier
    runs; pass False if this run could not read everything.
    """
    with connect(login, deadline) as connection:
        writer = _Writer(connection, deadline)
        group = make_objects(())[0]["apiVersion"]
        writer.check_served(group)
        unusable_namespaces: set[str] = set()
        for body in make_objects(()):
            namespace = body["metadata"].get("namespace")
            if namespace and not writer.apply(body):
                unusable_namespaces.add(namespace)
        # The findings of a missing or terminating namespace go into the ClusterReport.
        final = make_objects(unusable_namespaces)
        for body in final:
            if not body["metadata"].get("namespace"):
                writer.apply(body)
        published = {(b["kind"], b["metadata"].get("namespace", ""), b["metadata"]["name"]) for b in final}
        return len(published), writer.prune(group, final[0]["metadata"]["labels"], published) if prune else 0


class _Writer:
    def __init__(self, connection: ClusterConnection, deadline: Deadline) -> None:
        self._connection, self._deadline = connection, deadline
        self._api = Api(connection, deadline)

    def check_served(self, api_version: str) -> None:
        """Raise PublishError if the kinds are not served."""
        try:
            self._api.get(f"/apis/{api_version}")
        except ApiError as error:
            if error.is_not_found:
                raise PublishError(
                    f"this cluster does not serve {api_version}: install its CustomResourceDefinitions first "
                    "(https://openreports.io)"
                ) from None
            raise PublishError(f"{api_version}: {error.why}") from None

    def apply(self, body: Body) -> bool:
        """Apply an object; return False if its namespace is missing or terminating. Raises PublishError."""
        query = urlencode({"fieldManager": MANAGER, "force": "true"})
        status, answer = self._send("PATCH", f"{_path(body)}?{query}", body)
        if status < 300:  # noqa: PLR2004 - HTTP
            return True
        error = _error_text(status, answer)
        namespace = body["metadata"].get("namespace", "")
        if (
            namespace
            and status in (403, 404)
            and any(text in error for text in _UNUSABLE_NAMESPACE)
            and f'"{namespace}"' in error
        ):
            return False
        raise PublishError(f"{_object_name(body)}: {error}")

    def prune(self, api_version: str, labels: dict[str, str], keys: Collection[tuple[str, str, str]]) -> int:
        """Delete the objects with the labels whose keys are not in ``keys``; return their number. Raises PublishError."""
        selector = {"labelSelector": ",".join(f"{k}={v}" for k, v in labels.items())}
        deleted = 0
        for kind, plural in _PLURALS.items():
            existing: list[Body] = []
            try:
                for _ in self._api.items(f"/apis/{api_version}/{plural}", existing, selector):
                    pass
            except ApiError as error:
                raise PublishError(f"cannot list earlier {plural}: {error.why}") from None
            for body in existing:
                meta = body.get("metadata", {})
                key = (kind, meta.get("namespace", ""), meta.get("name", ""))
                if key not in keys:
                    deleted += self._delete({"apiVersion": api_version, "kind": kind, "metadata": meta})
        return deleted

    def _delete(self, body: Body) -> bool:
        status, answer = self._send("DELETE", _path(body), None)
        if status >= 300 and status != 404:  # noqa: PLR2004 - HTTP
            raise PublishError(f"{_object_name(body)}: {_error_text(status, answer)}")
        return status < 300  # noqa: PLR2004 - HTTP

    def _send(self, method: str, target: str, body: Body | None) -> tuple[int, bytes]:
        from urllib3 import HTTPHeaderDict, Timeout
        from urllib3.exceptions import HTTPError

        seconds_left = self._deadline.left()
        if seconds_left <= 0:
            raise PublishError("the run timed out")
        headers = HTTPHeaderDict([*self._connection.headers(), ("Content-Type", "application/apply-patch+yaml")])
        try:
            response = self._connection.pool.request(
                method, self._connection.host + target, headers=headers, redirect=False, retries=False,
                body=json.dumps(body).encode() if body is not None else None,  # JSON is YAML
                timeout=Timeout(connect=min(5.0, seconds_left), read=min(20.0, seconds_left)),
            )  # fmt: skip
        except (HTTPError, OSError) as error:
            raise PublishError(f"the API server did not answer ({type(error).__name__})") from None
        return response.status, response.data


def _object_name(body: Body) -> str:
    meta = body["metadata"]
    return "/".join(filter(None, (body["kind"], meta.get("namespace"), meta["name"])))


def _path(body: Body) -> str:
    meta = body["metadata"]
    namespace_path = f"/namespaces/{quote(meta['namespace'], safe='')}" if meta.get("namespace") else ""
    return f"/apis/{body['apiVersion']}{namespace_path}/{_PLURALS[body['kind']]}/{quote(meta['name'], safe='')}"


def _error_text(status: int, answer: bytes) -> str:
    try:
        message = json.loads(answer)["message"]
    except (ValueError, KeyError, TypeError):
        message = ""
    return " ".join(redacted(str(message)).split())[:300] or f"HTTP {status}"
