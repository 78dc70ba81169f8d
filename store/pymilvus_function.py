"""Any embedding function of pymilvus.model, by name and arguments."""

from collections.abc import Callable, Sequence
from typing import Any

from config.errors import EmbeddingError
from store.pymilvus_call import PymilvusCall, import_models
from store.tokens import approximate_token_starts

_TEXTS_A_CALL = 64  # hosted models take between 96 and 2048


class PymilvusFunction:
    """An embedding function of pymilvus.model under its canonical name (see PymilvusCall).

    Raises ConfigError as PymilvusCall does, EmbeddingError if the function cannot be set up (a package or the network
    is missing) or fails later. Tokens are estimated, vectors not normalised.
    """

    max_tokens = None

    def __init__(self, call: str) -> None:
        model = import_models()
        classes = {name: getattr(model.dense, name) for name in model.dense.__all__}
        classes["DefaultEmbeddingFunction"] = model.DefaultEmbeddingFunction
        self._call = PymilvusCall(call, "embedding function", classes)
        self.call = self._call.name
        with self._call.explained("cannot be set up", EmbeddingError):
            self._function = self._call.make()
        self._dim: int | None = None

    @property
    def dim(self) -> int:
        """What the function says, else the length of one word's vector."""
        if self._dim is None:
            try:
                self._dim = int(self._function.dim)
            except Exception:  # noqa: BLE001 - functions fail in many ways for a model that they do not list
                self._dim = len(self.encode_documents(["dimension"])[0])
        return self._dim

    def __call__(self, texts: list[str]) -> list[Any]:
        """The same as `encode_documents`."""
        return self.encode_documents(texts)

    def encode_documents(self, documents: list[str]) -> list[Any]:
        """One row a text, in order, as the function gives it."""
        return self._in_batches(self._function.encode_documents, documents)

    def encode_queries(self, queries: list[str]) -> list[Any]:
        """The same for questions, which some functions read differently."""
        return self._in_batches(self._function.encode_queries, queries)

    def token_starts(self, text: str) -> Sequence[int]:
        """Estimated: see `approximate_token_starts`."""
        return approximate_token_starts(text)

    def _in_batches(self, encode: Callable[[list[str]], Sequence[Any]], texts: list[str]) -> list[Any]:
        rows: list[Any] = []
        for first in range(0, len(texts), _TEXTS_A_CALL):
            with self._call.explained("failed", EmbeddingError):
                rows.extend(encode(texts[first : first + _TEXTS_A_CALL]))
        return rows
