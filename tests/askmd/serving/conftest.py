"""What tests of the protocols share: the app over real HTTP, with entries that lead to a scripted chat server."""

import json
import shutil
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from config.settings import Settings
from ingest.pipeline import ingest
from tests.support.app_server import AppServer
from tests.support.chat_replies import Reply
from tests.support.chat_server import ChatServer
from tests.support.corpus import FILES
from tests.support.stores import write_files

QUESTION = "Where is tea stored?"
KEY = "sk-0123456789abcdef"
HEADER = "what-the-header-says"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of http:// addresses: each would read the certificates of all authorities, longer than a test takes."""


@pytest.fixture(scope="session")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the small corpus, to be copied: only one process may have it open."""
    folder = tmp_path_factory.mktemp("handbook")
    ingest(Settings(milvus_uri=str(folder / "s.db")), write_files(folder / "handbook", FILES))
    return folder / "s.db"


@pytest.fixture(scope="session")
def served(handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ChatServer]]:
    """The address of the app, and the chat server behind it."""
    store = shutil.copytree(handbook, tmp_path_factory.mktemp("served") / "s.db")
    with pytest.MonkeyPatch.context() as patch, ChatServer() as chat:
        patch.setenv("SCRIPTED_KEY", KEY)  # a name that the surroundings of a single test leave alone
        entry: dict[str, Any] = {
            "base_url": chat.root_url,
            "model": "scripted",
            "api_key_env": "SCRIPTED_KEY",
            "extra_headers": {"X-Extra": HEADER},
            "max_retries": 0,
        }
        models = {"scripted": entry, "hasty": {**entry, "timeout": 0.5}}
        settings = Settings(milvus_uri=str(store), models=models, llm="scripted", k=3)
        with AppServer(settings) as app:
            yield app.url, chat


@pytest.fixture
def url(served: tuple[str, ChatServer]) -> str:
    return served[0]


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, verify=NO_TLS, timeout=60) as client:
        yield client


@pytest.fixture
def chat(served: tuple[str, ChatServer]) -> ChatServer:
    """The chat server, with an empty log."""
    served[1].requests.clear()
    served[1].disconnected.clear()
    return served[1]


def assert_nothing_private(text: str, chat: ChatServer) -> None:
    """What a client sees holds no key, no header, no address of a model, and nothing of Python."""
    for private in (KEY, HEADER, chat.host, "Traceback", 'File "', "SCRIPTED_KEY"):
        assert private not in text


def leave_during_answer(url: str, body: Any, chat: ChatServer, headers: Mapping[str, str] | None = None) -> None:
    """Send a request, and close the connection when the model has begun a long answer."""
    chat.script(Reply("word " * 2000, delay=0.05))
    parts = urlsplit(url)
    lines = {"Host": parts.netloc, "Content-Type": "application/json", **(headers or {})}
    content = json.dumps(body).encode()
    head = [f"POST {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items())]
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*head, f"Content-Length: {len(content)}", "", ""]).encode() + content)
        end = time.monotonic() + 60
        while not chat.requests and time.monotonic() < end:
            time.sleep(0.02)
    assert chat.requests
