"""Rerankers behind an endpoint of the form that Cohere introduced.

`POST {base_url}/rerank` with `model`, `query` and `documents` gives `results`, a list of `index` and `relevance_score`:
so it is at Cohere (v1 and v2), Jina, vLLM, llama.cpp and others. Voyage calls the list `data`, and refuses `top_n`,
which is therefore left out: without it, all of them score every document.
"""

from pydantic import SecretStr

from config.errors import ConfigError, RerankError
from store.http_endpoint import EndpointKind, HttpEndpoint


class RerankEndpoint:
    """One model at one endpoint; asked once more after a rate limit, a server error or a refused connection."""

    def __init__(self, model: str, base_url: str | None, api_key: SecretStr | None, timeout: float) -> None:
        if not base_url:
            raise ConfigError(f"reranker 'endpoint:{model}' needs the address of its endpoint: set rerank_base_url")
        kind = EndpointKind(
            "rerank", "rerank", RerankError, pauses=(0.5,), timeout=timeout, label="reranker endpoint:{model} at {host}"
        )
        self._endpoint = HttpEndpoint(kind, model, base_url, api_key)

    def judge(self, question: str, texts: list[str]) -> list[tuple[object, object]]:
        """Give each text's index and its score; raises RerankError."""
        response = self._endpoint.post({"model": self._endpoint.model, "query": question, "documents": texts})
        try:
            answer = response.json()
            results = answer["results"] if "results" in answer else answer["data"]
            return [(result["index"], result["relevance_score"]) for result in results]
        except (KeyError, TypeError, ValueError) as error:
            raise self._endpoint.failure("answered with something other than scores") from error
