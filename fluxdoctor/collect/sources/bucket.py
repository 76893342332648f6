"""Probes S3 buckets with one signed request that lists one key."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from fluxdoctor.collect import fan_out
from fluxdoctor.collect.fan_out import Request, Result
from fluxdoctor.collect.net.address import Address, parse
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.http import Access, Client, Response
from fluxdoctor.collect.probe_context import ProbeContext, SourceResults
from fluxdoctor.collect.sources import access
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Ref, Resource

_EMPTY = hashlib.sha256(b"").hexdigest()
_CODE = re.compile(rb"<Code>(\w{1,64})</Code>")
_REGION = re.compile(rb"<Region>([\w-]{1,64})</Region>")
_DEFAULT = "us-east-1"
_ANSWERS = {
    "NoSuchBucket": (Answer.NOT_FOUND, "the bucket does not exist"),
    "AccessDenied": (Answer.AUTHENTICATION, "access denied"),
    "InvalidAccessKeyId": (Answer.AUTHENTICATION, "the access key does not exist"),
    "SignatureDoesNotMatch": (Answer.AUTHENTICATION, "the secret key is wrong"),
    "RequestTimeTooSkewed": (Answer.AUTHENTICATION, "the local clock is wrong"),
    "SlowDown": (Answer.RATE_LIMITED, "too many requests"),
}  # fmt: skip


def collect(buckets: Sequence[Resource], context: ProbeContext) -> SourceResults:
    """Check that each bucket can be listed. Raises nothing: errors are in the probes."""
    reachable: dict[Ref, tuple[Resource, Address, Access]] = {}
    refusals: dict[Ref, tuple[str, UnreachableError]] = {}
    for source in buckets:
        target = ""
        try:
            place = _bucket_address(source)
            target = str(place)
            reachable[source.ref] = (source, place, access.bucket(source, context))
        except UnreachableError as error:
            refusals[source.ref] = (target, error)
    questions = [
        Request(ref, str(place), (place.url, source.text("spec.prefix"), source.text("spec.region"), login.key))
        for ref, (source, place, login) in reachable.items()
    ]

    def answer(group: tuple[Request, ...]) -> Result[None]:
        return _list_bucket(*reachable[group[0].source], context)

    probes, _ = fan_out.ask(questions, answer, context)
    return SourceResults(probes | fan_out.refusal_probes(refusals, context))


def _bucket_address(source: Resource) -> Address:
    """Return the URL of a bucket. The endpoint has no scheme (source-controller 1.9, minio-go); the bucket is the path."""
    scheme = "http" if source.flag("spec.insecure") else "https"
    endpoint = parse(f"{scheme}://{source.text('spec.endpoint')}")
    if endpoint.target != "/" or endpoint.user:
        raise UnreachableError(Answer.NOT_CONTACTED, "spec.endpoint must be a host without a path or user")
    return endpoint.at("/" + quote(source.text("spec.bucketName"), safe=""))


def _list_bucket(source: Resource, place: Address, login: Access, context: ProbeContext) -> Result[None]:
    region = source.text("spec.region") or _DEFAULT
    query = {"list-type": "2", "max-keys": "1"}
    if prefix := source.text("spec.prefix"):
        query["prefix"] = prefix
    with Client(context, login) as client:
        response = _get(client, place, query, region)
        region_match = _REGION.search(response.body)
        if region_match and not response.ok and not source.has("spec.region"):
            response = _get(
                client, place, query, region_match[1].decode()
            )  # minio-go looks up the region in the same way
    if not response.ok:
        raise _refusal(response)
    if b"<ListBucketResult" not in response.body:
        raise UnreachableError(Answer.MALFORMED, f"{place.authority} does not answer like S3")
    return Result(Answer.OK, "the bucket can be listed")


def _get(client: Client, place: Address, query: dict[str, str], region: str) -> Response:
    canonical = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(query.items()))
    headers = {"x-amz-content-sha256": _EMPTY, "x-amz-date": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")}
    signature = _sign(client.access, place, canonical, headers, region) if client.access.username else ""
    return client.get(place.at(f"{place.target}?{canonical}"), headers, authorization=signature)


def _sign(login: Access, place: Address, query: str, headers: dict[str, str], region: str) -> str:
    """Sign a request without a body (AWS Signature Version 4)."""
    signed_headers = {**headers, "host": place.authority}
    lines = "".join(f"{name}:{signed_headers[name]}\n" for name in sorted(signed_headers))
    names = ";".join(sorted(signed_headers))
    request = f"GET\n{place.target}\n{query}\n{lines}\n{names}\n{_EMPTY}"
    moment = headers["x-amz-date"]
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{login.password}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    return f"AWS4-HMAC-SHA256 Credential={login.username}/{scope}, SignedHeaders={names}, Signature={signature}"


def _refusal(response: Response) -> UnreachableError:
    match = _CODE.search(response.body)
    answer = _ANSWERS.get(match[1].decode()) if match else None
    if answer is None:
        return response.refusal()
    return UnreachableError(answer[0], f"{response.place.authority}: {answer[1]}")
