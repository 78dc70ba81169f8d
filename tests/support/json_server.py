"""A scripted server that takes and gives JSON: real HTTP on the loopback, for servers of one kind to build on."""

import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.loopback_server import LoopbackServer


@dataclass(frozen=True)
class Answer:
    """One reply: `body` is sent as JSON, or as it stands if it is bytes; after `delay` seconds."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=lambda: {"retry-after": "0"})
    delay: float = 0


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: Any


class JsonServer(LoopbackServer, ABC):
    """Gives the scripted answers in turn, then what `reply` makes of each request."""

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[Request] = []
        self._answers = deque(answers)
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.path, headers, body)
                server.requests.append(request)
                answer = server._answers.popleft() if server._answers else Answer(200, server.reply(request))
                if server.closing.wait(answer.delay):
                    return
                payload = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in {"content-length": str(len(payload)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, format: str, *args: object) -> None:
                """Keep the test's output clean."""

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Handler))

    @abstractmethod
    def reply(self, request: Request) -> Any:
        """The body of the answer to a good request."""

    def script(self, *answers: Answer) -> None:
        """Let these come next."""
        self._answers.extend(answers)
