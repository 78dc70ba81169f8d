"""Embedding models behind any OpenAI-compatible endpoint.

Plain HTTP rather than the openai client, which takes 0.6 s to import and adds headers from the environment
(organisation, custom headers) to requests that may go to somebody else's host.
"""

import time
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import httpx2
import numpy as np
import numpy.typing as npt
from pydantic import SecretStr

from config.errors import ConfigError, EmbeddingError
from store.tokens import approximate_token_starts

OPENAI = "https://api.openai.com/v1"

_TEXTS_A_REQUEST = 64
_CHARACTERS_A_REQUEST = 200_000  # OpenAI takes up to 300,000 tokens at once
_TIMEOUT = httpx2.Timeout(60, connect=10)
_PAUSES = (0.5, 2.0)  # seconds before the second and the third attempt, unless the server says how long
_LONGEST_PAUSE = 10.0


class OpenAIEndpoint:
    """One model at one endpoint; has the shape of a pymilvus.model embedding function, one row of float32 a text.

    Rate limits, server errors and refused connections are tried again twice. Raises ConfigError if OpenAI itself is
    to be asked without a key, EmbeddingError whenever the endpoint does not give what was asked for; no message ever
    holds the key. Tokens are estimated, since each endpoint has its own.
    """

    def __init__(self, model: str, base_url: str | None = None, api_key: SecretStr | None = None) -> None:
        if not base_url and not api_key:
            raise ConfigError(f"embedding 'openai:{model}' needs a key: set OPENAI_API_KEY, or name another base URL")
        self.model = model
        self.host = _host(base_url or OPENAI)
        self.max_tokens = 8191 if model.startswith("text-embedding-") else None  # OpenAI's own models
        self._key = api_key.get_secret_value().strip() if api_key else ""
        if not (self._key.isascii() and self._key.isprintable()):
            raise ConfigError(f"the key for {self.host} holds characters that no key has: copy it again")
        self._dim: int | None = None
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx2.Client(base_url=base_url or OPENAI, headers=headers, timeout=_TIMEOUT)
        weakref.finalize(self, self._client.close)

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
        response = self._ask({"model": self.model, "input": batch, "encoding_format": "float"})
        try:
            by_index = {item["index"]: item["embedding"] for item in response.json()["data"]}
            rows = [np.asarray(by_index[index], dtype=np.float32) for index in range(len(batch))]
            width = self._dim or len(rows[0])
        except (KeyError, TypeError, ValueError) as error:
            raise EmbeddingError(f"{self.host} answered with something other than {len(batch)} embeddings") from error
        if len(by_index) != len(batch) or not width or any(row.shape != (width,) for row in rows):
            raise EmbeddingError(f"{self.host} answered with the wrong number of embeddings or dimensions")
        return rows

    def _ask(self, body: dict[str, Any]) -> httpx2.Response:
        for pause in (*_PAUSES, None):  # none after the last attempt
            wait = pause
            try:
                response = self._client.post("embeddings", json=body)
            except httpx2.TimeoutException as error:
                raise EmbeddingError(f"{self.host} did not answer in time: try again, or a smaller model") from error
            except httpx2.TransportError as error:
                if wait is None:
                    reason = self._without_key(str(error))
                    raise EmbeddingError(f"cannot reach {self.host} ({reason}): check the URL, or start it") from error
            else:
                if response.is_success:
                    return response
                if wait is None or not (response.status_code == 429 or response.status_code >= 500):
                    raise EmbeddingError(self._refusal(response))
                wait = _seconds(response.headers.get("retry-after"), wait)
            if wait is not None:
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _refusal(self, response: httpx2.Response) -> str:
        status = response.status_code
        if status in {401, 403}:
            return f"{self.host} refuses the key ({status}): check that the key belongs to this endpoint"
        if status == 404:
            return f"{self.host} does not know model {self.model!r} or has no /embeddings (404): check name and URL"
        if status == 429:
            return f"{self.host} takes no more requests (429): wait, or check the account's balance"
        if status >= 500:
            return f"{self.host} fails ({status}): try again later"
        return f"{self.host} rejects the request ({status}): {self._without_key(_reason(response))}"

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _host(base_url: str) -> str:
    """Host and port, for messages."""
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise ConfigError("the embedding endpoint's base URL must look like https://host/v1, without a key in it")
    return url.netloc.decode("ascii")


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


def _seconds(retry_after: str | None, otherwise: float) -> float:
    try:
        return min(max(float(retry_after or otherwise), 0.0), _LONGEST_PAUSE)
    except ValueError:  # the header may hold a date
        return otherwise


def _reason(response: httpx2.Response) -> str:
    """The endpoint's own words, in one short line."""
    try:
        error = response.json()["error"]
        text = str(error["message"] if isinstance(error, dict) else error)
    except (KeyError, TypeError, ValueError):
        text = response.reason_phrase
    return " ".join(text.split())[:200]
