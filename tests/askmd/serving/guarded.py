"""An application for tests of what guards it: one file, one key, narrow limits."""

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.serving import ServingSettings
from config.settings import Settings

KEY = "grüne-Tür-7"
QUESTION = "Where is tea stored?"


def serving(**choices: Any) -> ServingSettings:
    """Limits that tests reach quickly, and none on the number of requests."""
    given: dict[str, Any] = {
        "api_keys": f"other-key,{KEY}",
        "max_body_bytes": 20_000,
        "body_seconds": 1.0,
        "max_question_chars": 500,
        "requests_per_minute": 1_000_000,
    }
    return ServingSettings(**given | choices)


def settings(store: Path, chat_url: str) -> Settings:
    """One entry of the registry, which leads to a scripted chat server."""
    models = {"scripted": {"base_url": chat_url, "model": "m", "max_retries": 0}}
    return Settings(milvus_uri=str(store), models=models, llm="scripted", k=3)


def post(body: Any, **headers: str) -> dict[str, Any]:
    """Write a JSON body with its headers for httpx2, as the holder of the key."""
    return {"content": json.dumps(body).encode(), "headers": head(**headers)}


def head(**headers: str) -> dict[bytes, bytes]:
    """Give the headers of a request; the key is not ASCII, and goes as UTF-8."""
    given = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    return {name.replace("_", "-").encode(): value.encode() for name, value in (given | headers).items()}


def talk(url: str, *parts: bytes, wait: float = 20.0) -> bytes:
    """Send bytes as they are over one connection; give all that comes back until the server closes it or falls silent."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=wait) as connection:
        with suppress(ConnectionError):  # a server that has heard enough answers and closes
            for part in parts:
                connection.sendall(part)
        received = b""
        with suppress(TimeoutError, ConnectionError):
            while piece := connection.recv(65_536):
                received += piece
    return received


def lines(request: str, headers: Mapping[bytes, bytes], body: bytes = b"") -> bytes:
    """Write a request head, and what follows it."""
    given = {b"Host": b"localhost", **headers}
    fields = [name + b": " + value for name, value in given.items()]
    return b"\r\n".join([request.encode(), *fields, b"", b""]) + body
