"""SQS as moto plays it: a server, a client of it, and queues that no other test has written to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import boto3
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"


@contextmanager
def sqs_server() -> Iterator[str]:
    """The URL of SQS on a free port of this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def connection(url: str) -> str:
    """The Airflow connection to it."""
    extra = {"endpoint_url": url, "region_name": REGION}
    return json.dumps({"conn_type": "aws", "login": "a", "password": "b", "extra": extra})


def client(url: str) -> Any:
    return boto3.client(
        "sqs", region_name=REGION, endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b"
    )


def new_queue(client: Any) -> str:
    """The URL of an empty queue. All servers of this process share their queues, and messages outlive their test."""
    return str(client.create_queue(QueueName=f"ct-{uuid4()}")["QueueUrl"])
