"""A scripted OpenAI-compatible embedding server: real HTTP on the loopback.

with EmbeddingServer(Answer(429, {}), dimensions=8) as server:
    ...                              # a client talks to server.base_url; the second request is answered well
    server.requests[0].body["input"]
"""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Answer:
    """One reply: `body` is sent as JSON, or as it stands if it is bytes."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=lambda: {"retry-after": "0"})


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: Any


class EmbeddingServer:
    """Gives the scripted answers in turn, then embeds: a text's vector counts its characters by code point."""

    def __init__(self, *answers: Answer, dimensions: int = 8) -> None:
        self.requests: list[Request] = []
        self._answers = deque(answers)
        self._dimensions = dimensions
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append(Request(self.path, headers, body))
                answer = server._answers.popleft() if server._answers else Answer(200, server.embed(body["input"]))
                payload = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in {"content-length": str(len(payload)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, format: str, *args: object) -> None:
                """Keep the test's output clean."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    def script(self, *answers: Answer) -> None:
        """Let these come next."""
        self._answers.extend(answers)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._http.server_port}"

    @property
    def base_url(self) -> str:
        return f"http://{self.host}/v1"

    def vector(self, text: str) -> list[float]:
        counts = [0.0] * self._dimensions
        for char in text:
            counts[ord(char) % self._dimensions] += 1.0
        return counts

    def embed(self, texts: list[str]) -> dict[str, Any]:
        """The answer to a good request, last text first: the protocol orders by index only."""
        data = [{"object": "embedding", "index": i, "embedding": self.vector(text)} for i, text in enumerate(texts)]
        return {"object": "list", "data": data[::-1], "usage": {"prompt_tokens": 1, "total_tokens": 1}}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
