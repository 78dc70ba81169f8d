"""Embedding models by name.

    minilm                                  all-MiniLM-L6-v2, packaged (store/onnx.py)
    multilingual                            Universal Sentence Encoder, packaged (store/multilingual.py)
    minilm+multilingual                     both side by side: English questions ask the first, all others the second
    pymilvus:<Function>[?argument=value]    any embedding function of pymilvus.model (store/pymilvus_function.py)
    openai:<model>                          any OpenAI-compatible endpoint (store/openai_endpoint.py)

An encoder turns texts into rows of numbers, each in its own way; `EmbeddingModel` makes of any of them what the rest of
askmd and LangChain rely on: checked, normalised float32.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from langchain_core.embeddings import Embeddings
from pydantic import SecretStr

from config.errors import ConfigError, EmbeddingError
from config.settings import Settings

_TOGETHER = re.compile(r"(minilm|multilingual)(\+(minilm|multilingual))+")
FORMS = ("minilm", "multilingual", "minilm+multilingual", "pymilvus:<Function>[?argument=value&...]", "openai:<model>")


class Encoder(Protocol):
    """What an embedding model has to offer: the shape of a pymilvus.model embedding function, and its tokens."""

    @property
    def dim(self) -> int:
        """The length of a vector; a remote model may have to be asked."""

    @property
    def max_tokens(self) -> int | None:
        """Tokens of a text that are read, special tokens not counted; None if there is no known limit."""

    def encode_documents(self, documents: list[str], /) -> Sequence[Any]:
        """One row a text, in order, of any length; raises EmbeddingError."""

    def encode_queries(self, queries: list[str], /) -> Sequence[Any]:
        """The same for questions, which some models read differently."""

    def token_starts(self, text: str, /) -> Sequence[int]:
        """Where each token of the whole text starts, in characters, never descending."""


@runtime_checkable
class PartsEncoder(Protocol):
    """An encoder that also tells a text's parts apart; see store/parts.py."""

    def encode_documents_in_parts(self, documents: list[str], /) -> tuple[Sequence[Any], list[str]]:
        """The rows of `encode_documents`, and the packed parts of each text."""

    def encode_question_in_parts(self, question: str, /) -> tuple[Any, npt.NDArray[np.float32]]:
        """The row of a question, and its parts, of as many dimensions as a text's; the longer, the more it weighs."""


@runtime_checkable
class TranslatingEncoder(Protocol):
    """An encoder that also knows what the words of a question are in English."""

    def to_english(self, question: str, /) -> Sequence[str]:
        """English words, in the order of the question's."""


class EmbeddingModel(Embeddings):
    """An encoder under its canonical name: LangChain's Embeddings, and arrays for those who want arrays.

    Vectors are float32 rows of length 1, so that their inner product is their cosine. Every method takes any str:
    a lone surrogate counts as a question mark. Encoding raises EmbeddingError.
    """

    def __init__(self, name: str, encoder: Encoder, *, parts: bool = True) -> None:
        self.name = name
        self._encoder = encoder
        self._in_parts = encoder if parts and isinstance(encoder, PartsEncoder) else None

    def __repr__(self) -> str:
        return f"EmbeddingModel({self.name!r})"

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return self._encoder.dim

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of a text the model reads, its special tokens not counted; None: no known limit."""
        return self._encoder.max_tokens

    def token_starts(self, text: str) -> Sequence[int]:
        """Where each token of the whole text starts: character offsets, never descending, nothing cut off.

        The tokens of a span are counted by bisection: `bisect_left(starts, end) - bisect_left(starts, start)`.
        """
        return self._encoder.token_starts(encodable(text))

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Passages to an array of shape (len(texts), dim)."""
        return self._encoded(self._encoder.encode_documents, texts)

    def embed_queries(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Questions to an array of shape (len(texts), dim)."""
        return self._encoded(self._encoder.encode_queries, texts)

    @property
    def has_parts(self) -> bool:
        """Whether the model tells the parts of a text apart, and is to do so."""
        return self._in_parts is not None

    def embed_in_parts(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.float32], list[str]]:
        """Give what `embed` gives, and the packed parts of each text; they are empty where the model has none."""
        if self._in_parts is None or not texts:
            return self.embed(texts), [""] * len(texts)
        rows, parts = self._in_parts.encode_documents_in_parts([encodable(text) for text in texts])
        return self._unit_rows(rows, len(texts)), parts

    def embed_question(self, text: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Give the vector of a question, and its parts, of shape (parts, dimensions); none where the model has none."""
        if self._in_parts is None:
            return self.embed_queries([text])[0], np.empty((0, self.dim), dtype=np.float32)
        row, parts = self._in_parts.encode_question_in_parts(encodable(text))
        return self._unit_rows([row], 1)[0], parts

    @property
    def is_translator(self) -> bool:
        """Whether the model can put words into English."""
        return isinstance(self._encoder, TranslatingEncoder)

    def to_english(self, question: str) -> str:
        """Give the words of a question in English, with blanks between them; empty where the model knows none."""
        encoder = self._encoder
        return " ".join(encoder.to_english(encodable(question))) if isinstance(encoder, TranslatingEncoder) else ""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """`embed` as lists."""
        vectors: list[list[float]] = self.embed(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """One question as a list."""
        vector: list[float] = self.embed_queries([text])[0].tolist()
        return vector

    def _encoded(self, encode: Callable[[list[str]], Sequence[Any]], texts: Sequence[str]) -> npt.NDArray[np.float32]:
        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)
        return self._unit_rows(encode([encodable(text) for text in texts]), len(texts))

    def _unit_rows(self, rows: Sequence[Any], count: int) -> npt.NDArray[np.float32]:
        try:
            vectors = np.asarray(rows, dtype=np.float64)  # squares of small numbers vanish in float32
        except (TypeError, ValueError) as error:
            raise EmbeddingError(f"{self.name} gave something other than rows of numbers: {error}") from error
        if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
            raise EmbeddingError(f"{self.name} gave an array of shape {vectors.shape} for {count} texts")
        # A row of zeros (a static model that knows no word of the text) has no direction and stays as it is.
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def open_embedding(
    name: str, *, parts: bool = True, base_url: str | None = None, api_key: SecretStr | None = None
) -> EmbeddingModel:
    """Open the model of that name; `base_url` and `api_key` are for `openai:` alone and never part of its name.

    With `parts`, the packaged models tell the parts of texts apart too.

    Cheap for the packaged models, which load when first used. Raises ConfigError for a name that cannot be right,
    EmbeddingError for a model that cannot be loaded.
    """
    kind, _, rest = name.partition(":")
    match kind:
        case "minilm" | "multilingual" if name == kind:
            return EmbeddingModel(name, _packaged_encoder(name), parts=parts)
        case "pymilvus" if rest:
            from store.pymilvus_function import PymilvusFunction

            function = PymilvusFunction(rest)
            return EmbeddingModel(f"pymilvus:{function.call}", function)
        case "openai" if rest and "?" not in rest:
            from store.openai_endpoint import OpenAIEndpoint

            return EmbeddingModel(name, OpenAIEndpoint(rest, base_url, api_key))
    raise ConfigError(f"no embedding model is named {name.partition('?')[0]!r}; use {', '.join(FORMS)}")


@cache
def _packaged_encoder(name: str) -> Encoder:
    """One for all that a process opens: what it loads is large, and safe to share."""
    if name == "minilm":
        from store.onnx import OnnxSentenceEncoder

        return OnnxSentenceEncoder()
    from store.multilingual import UniversalSentenceEncoder

    return UniversalSentenceEncoder()


def open_embeddings(
    name: str, *, parts: bool = True, base_url: str | None = None, api_key: SecretStr | None = None
) -> list[EmbeddingModel]:
    """Open a model, or the models of a name such as `minilm+multilingual`, first for English; as `open_embedding`."""
    names = name.split("+") if _TOGETHER.fullmatch(name) else [name]
    return [open_embedding(each, parts=parts, base_url=base_url, api_key=api_key) for each in names]


def configured_embeddings(settings: Settings) -> list[EmbeddingModel]:
    """Open the model or models of the settings. Raises as `open_embedding` does, and as `Settings.embedding_key`."""
    key = settings.embedding_key()
    return open_embeddings(settings.embedding, parts=settings.parts, base_url=settings.embedding_base_url, api_key=key)


def name_together(embeddings: Sequence[EmbeddingModel]) -> str:
    """Give the name of the models of one collection, as its fingerprint has it."""
    return "+".join(embedding.name for embedding in embeddings)


def encodable(text: str) -> str:
    """Give the same number of characters, all of which exist in UTF-8: a question mark for a lone surrogate."""
    return text.encode("utf-8", "replace").decode("utf-8")
