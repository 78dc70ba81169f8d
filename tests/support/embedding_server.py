"""A scripted OpenAI-compatible embedding server: real HTTP on the loopback.

with EmbeddingServer(Answer(429, {}), dimensions=8) as server:
    ...                              # a client talks to server.base_url; the second request is answered well
    server.requests[0].body["input"]
"""

from typing import Any

from tests.support.json_server import Answer, JsonServer, Request


class EmbeddingServer(JsonServer):
    """Embeds: a text's vector counts its characters by code point."""

    def __init__(self, *answers: Answer, dimensions: int = 8) -> None:
        super().__init__(*answers)
        self._dimensions = dimensions

    def vector(self, text: str) -> list[float]:
        counts = [0.0] * self._dimensions
        for char in text:
            counts[ord(char) % self._dimensions] += 1.0
        return counts

    def reply(self, request: Request) -> dict[str, Any]:
        """Last text first: the protocol orders by index only."""
        texts = request.body["input"]
        data = [{"object": "embedding", "index": i, "embedding": self.vector(text)} for i, text in enumerate(texts)]
        return {"object": "list", "data": data[::-1], "usage": {"prompt_tokens": 1, "total_tokens": 1}}
