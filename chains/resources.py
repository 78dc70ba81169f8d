"""What the chain opens when it is first needed, and keeps: the store, the embedding model, chat models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from chains.calibration import calibration_of
from chains.gate import shipped_threshold
from chains.llm import chat_model
from chains.retrieve import open_query_embeddings, retrieve
from chains.schema import Hit
from config.models import find_model
from config.settings import Settings
from store.embeddings import EmbeddingModel
from store.milvus import Store, open_store

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


@dataclass
class Resources:
    """Safe to share between threads. A `store` that is given stays the giver's to close."""

    settings: Settings
    store: Store | None = None
    _embeddings: "list[EmbeddingModel] | None" = None
    _chat_models: "dict[str, BaseChatModel]" = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def search(self, question: str, k: int, filters: Mapping[str, str]) -> list[Hit]:
        """Give the best chunks; raises as `retrieve` and `open_store` do."""
        store, embeddings = self._open()
        return retrieve(store, embeddings, question, k, filters)

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
                self._chat_models[name] = chat_model(spec, self.settings.chat_key(spec))
            return self._chat_models[name]

    def _open(self) -> tuple[Store, list[EmbeddingModel]]:
        with self._lock:
            self.store = self.store or open_store(self.settings)
            self._embeddings = self._embeddings or open_query_embeddings(self.settings, self.store)
            return self.store, self._embeddings
