"""A scripted rerank server: real HTTP on the loopback.

with RerankServer(Answer(500), prefer="espresso") as server:
    ...                              # a client talks to server.base_url; the second request is answered well
    server.requests[0].body["documents"]
"""

from typing import Any

from tests.support.json_server import Answer, JsonServer, Request


class RerankServer(JsonServer):
    """Finds texts the more relevant, the more often they hold the word `prefer`.

    Speaks to a body with `documents` as Cohere does, with the list under the name `results_as`, and to one with `texts`
    as Text Embeddings Inference does.
    """

    def __init__(self, *answers: Answer, prefer: str = "espresso", results_as: str = "results") -> None:
        super().__init__(*answers)
        self._prefer = prefer
        self._results_as = results_as

    def score(self, text: str) -> float:
        return text.lower().count(self._prefer) - 0.5

    def reply(self, request: Request) -> Any:
        """Best first, as servers do."""
        cohere = "documents" in request.body
        texts = request.body["documents" if cohere else "texts"]
        scored = sorted(enumerate(map(self.score, texts)), key=lambda pair: -pair[1])
        if cohere:
            results = [{"index": index, "relevance_score": score} for index, score in scored]
            return {"id": "scripted", "model": request.body["model"], self._results_as: results}
        return [{"index": index, "score": score, "text": texts[index]} for index, score in scored]


def results(*scores: tuple[Any, Any]) -> Answer:
    """An answer with these pairs of index and score."""
    return Answer(200, {"results": [{"index": index, "relevance_score": score} for index, score in scores]})
