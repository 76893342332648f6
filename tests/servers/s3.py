"""An S3 server (moto) in a process of its own that checks every signature with botocore, the reference."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.request import Request, urlopen

_FIRST = 5  # requests of the set-up, before moto asks who is there


@dataclass(frozen=True)
class S3:
    """A running server with one bucket, and the keys of a user who may read it."""

    port: int
    access_key: str
    secret_key: str
    bucket: str = "fleet"

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextlib.contextmanager
def s3_server(region: str = "us-east-1") -> Iterator[S3]:
    """Run the server on a free port of loopback, with a bucket that has one object."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    env = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(_FIRST), "MOTO_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port, process)
        yield _prepare(port, region)
    finally:
        process.terminate()
        process.wait(10)


def _prepare(port: int, region: str) -> S3:
    """Make the user with its key and policy, the bucket and the object: as many requests as moto takes from anyone."""
    import boto3

    def client(service: str) -> object:
        return boto3.client(
            service, region_name=region, endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id="set-up", aws_secret_access_key="set-up",
        )  # fmt: skip

    iam, s3 = client("iam"), client("s3")
    policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    iam.create_user(UserName="reader")  # type: ignore[attr-defined]
    key = iam.create_access_key(UserName="reader")["AccessKey"]  # type: ignore[attr-defined]
    iam.put_user_policy(UserName="reader", PolicyName="reader", PolicyDocument=policy)  # type: ignore[attr-defined]
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket="fleet", **where)  # type: ignore[attr-defined]
    s3.put_object(Bucket="fleet", Key="apps/kustomization.yaml", Body=b"resources: []\n")  # type: ignore[attr-defined]
    return S3(port, key["AccessKeyId"], key["SecretAccessKey"])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), urlopen(Request(f"http://127.0.0.1:{port}/moto-api/"), timeout=2):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError("moto's server does not start")
