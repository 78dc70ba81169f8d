"""What the chain opens when it is first needed, and keeps: store, embedding model, reranker, chat models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from chains.models.entries import Tell
from chains.models.llm import chat_model
from chains.retrieval.calibration import calibration_of
from chains.retrieval.gate import shipped_threshold
from chains.retrieval.rerank import rerank
from chains.retrieval.rerankers import Reranker, configured_reranker
from chains.retrieval.retrieve import open_query_embeddings, retrieve
from chains.schema import Hit
from config.errors import RerankError
from config.models import ChatModelSpec, find_model
from config.settings import Settings
from store.collection import Store
from store.embeddings import EmbeddingModel
from store.filters import Filters
from store.milvus import open_store

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from pydantic import SecretStr


@dataclass
class Resources:
    """Safe to share between threads. A `store` that is given stays the giver's to close."""

    settings: Settings
    store: Store | None = None
    tell: Tell = str
    """Words a failure that an answer survives: whatever of it the reader may know."""
    open_chat: "Callable[[ChatModelSpec, SecretStr | None], BaseChatModel]" = chat_model
    """Opens the model of an entry."""
    _opened: Store | None = None
    _embeddings: "list[EmbeddingModel] | None" = None
    _reranker: Reranker | None = None
    _chat_models: "dict[str, BaseChatModel]" = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def search(self, question: str, k: int, filters: Filters, *, judge: bool = False) -> list[Hit]:
        """Give the best passages, not reranked; raises as `retrieve`, `open_store` and `configured_reranker` do."""
        store, embeddings = self._open()
        return retrieve(store, embeddings, question, k, filters, judge=judge)

    def candidates(self, k: int) -> int:
        """How many passages to search for where `k` are wanted."""
        return max(k, self.settings.rerank_depth) if self.settings.rerank else k

    def rerank(self, question: str, hits: Sequence[Hit], k: int) -> list[Hit]:
        """Give the `k` best of the candidates, by the reranker if there is one. Raises RerankError."""
        if self._reranker is None:
            return list(hits[:k])
        return rerank(self._reranker, question, hits, self.settings.rerank_depth)[:k]

    def rerank_or_keep(self, question: str, hits: Sequence[Hit], k: int) -> tuple[list[Hit], list[str]]:
        """Do the same, but keep the order where the reranker fails, and say so in a notice."""
        try:
            return self.rerank(question, hits, k), []
        except RerankError as error:
            return list(hits[:k]), [f"{self.tell(error)}; the order without it stands"]

    def gate_threshold(self) -> float:
        """Give the confidence below which nothing that was found can answer; raises as `search` does."""
        if self.settings.gate is not None:
            return self.settings.gate
        store, embeddings = self._open()
        calibrated = calibration_of(store)
        return calibrated.threshold if calibrated else shipped_threshold([model.name for model in embeddings])

    def count_tokens(self, text: str) -> int:
        """Count tokens as the embedding model does."""
        return len(self._open()[1][0].token_starts(text))

    def chat_model(self, name: str) -> "BaseChatModel":
        """Give the chat model of a registry entry, always the same one. Raises ConfigError without its key."""
        with self._lock:
            if name not in self._chat_models:
                spec = find_model(self.settings.chat_models(), name)
                self._chat_models[name] = self.open_chat(spec, self.settings.chat_key(spec))
            return self._chat_models[name]

    def open(self) -> None:
        """Open what a search needs; raises as `search` does."""
        self._open()

    def close(self) -> None:
        """Close the store, if it was opened here; a later question opens it again."""
        with self._lock:
            if self._opened:
                self._opened.close()
                self.store = self._opened = None

    def _open(self) -> tuple[Store, list[EmbeddingModel]]:
        with self._lock:
            if self.store is None:
                self.store = self._opened = open_store(self.settings)
            self._reranker = self._reranker or configured_reranker(self.settings)
            self._embeddings = self._embeddings or open_query_embeddings(self.settings, self.store)
            return self.store, self._embeddings
