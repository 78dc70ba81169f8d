"""An embedding server that lets a client wait."""

from threading import Event
from typing import Any

from tests.support.embedding_server import EmbeddingServer
from tests.support.json_server import Request


class HeldEmbeddingServer(EmbeddingServer):
    """Embeds no text that holds a word until it is let; so what the model is like, it tells at once."""

    def __init__(self, word: str, *, dimensions: int = 8) -> None:
        super().__init__(dimensions=dimensions)
        self._word = word
        self.go = Event()
        self.fails = False

    @property
    def is_holding(self) -> bool:
        """Whether such a text has come."""
        return any(map(self._holds, self.requests))

    def reply(self, request: Request) -> dict[str, Any]:
        if self._holds(request):
            self.go.wait(240)
            if self.fails:
                return {"sorry": "not today"}
        return super().reply(request)

    def _holds(self, request: Request) -> bool:
        return self._word in str(request.body["input"])
