"""Embedding models behind any OpenAI-compatible endpoint."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import SecretStr

from config.errors import ConfigError, EmbeddingError
from store.http_endpoint import EndpointKind, HttpEndpoint
from store.tokens import approximate_token_starts

OPENAI = "https://api.openai.com/v1"

_KIND = EndpointKind("embedding", "embeddings", EmbeddingError, pauses=(0.5, 2.0), timeout=60)
_TEXTS_A_REQUEST = 64
_CHARACTERS_A_REQUEST = 200_000  # OpenAI takes up to 300,000 tokens at once


class OpenAIEndpoint:
    """One model at one endpoint; has the shape of a pymilvus.model embedding function, one row of float32 a text.

    Raises ConfigError if OpenAI itself is to be asked without a key, EmbeddingError whenever the endpoint does not give
    what was asked for (see HttpEndpoint). Tokens are estimated, since each endpoint has its own.
    """

    def __init__(self, model: str, base_url: str | None = None, api_key: SecretStr | None = None) -> None:
        if not base_url and not api_key:
            raise ConfigError(f"embedding 'openai:{model}' needs a key: set OPENAI_API_KEY, or name another base URL")
        self._endpoint = HttpEndpoint(_KIND, model, base_url or OPENAI, api_key)
        self.max_tokens = 8191 if model.startswith("text-embedding-") else None  # OpenAI's own models
        self._dim: int | None = None

    @property
    def dim(self) -> int:
        """The length of a vector, found by embedding one word the first time."""
        if self._dim is None:
            self._dim = len(self.encode_documents(["dimension"])[0])
        return self._dim

    def __call__(self, texts: list[str]) -> list[npt.NDArray[np.float32]]:
        """The same as `encode_documents`."""
        return self.encode_documents(texts)

    def encode_queries(self, queries: list[str]) -> list[npt.NDArray[np.float32]]:
        """The same as `encode_documents`: the protocol knows no difference."""
        return self.encode_documents(queries)

    def encode_documents(self, documents: list[str]) -> list[npt.NDArray[np.float32]]:
        """One row a text, in order, as the model gives it (not normalised)."""
        # The protocol forbids an empty input.
        rows = [row for batch in _batches([text or " " for text in documents]) for row in self._rows(batch)]
        if rows:
            self._dim = len(rows[0])
        return rows

    def token_starts(self, text: str) -> Sequence[int]:
        """Estimated: see `approximate_token_starts`."""
        return approximate_token_starts(text)

    def _rows(self, batch: list[str]) -> list[npt.NDArray[np.float32]]:
        endpoint = self._endpoint
        response = endpoint.post({"model": endpoint.model, "input": batch, "encoding_format": "float"})
        try:
            by_index = {item["index"]: item["embedding"] for item in response.json()["data"]}
            rows = [np.asarray(by_index[index], dtype=np.float32) for index in range(len(batch))]
            width = self._dim or len(rows[0])
        except (KeyError, TypeError, ValueError) as error:
            raise endpoint.failure(f"answered with something other than {len(batch)} embeddings") from error
        if len(by_index) != len(batch) or not width or any(row.shape != (width,) for row in rows):
            raise endpoint.failure("answered with the wrong number of embeddings or dimensions")
        return rows


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == _TEXTS_A_REQUEST or characters + len(text) > _CHARACTERS_A_REQUEST):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch
