"""The splitter that the settings name, with its limit."""

from collections.abc import Sequence
from functools import partial

from config.settings import Settings
from ingest.prepare import Splitter
from ingest.split import split
from store.embeddings import EmbeddingModel


def make_splitter(settings: Settings, embeddings: Sequence[EmbeddingModel]) -> Splitter:
    """Give the function that cuts a text as the settings say, measured in the first embedding model's tokens."""
    limit = chunk_tokens(settings, embeddings)
    embedding = embeddings[0]
    if settings.splitter == "askmd":
        return partial(split, token_starts=embedding.token_starts, max_tokens=limit)
    from ingest.langchain_split import split_with_langchain

    return partial(split_with_langchain, token_starts=embedding.token_starts, max_tokens=limit)


def chunk_tokens(settings: Settings, embeddings: Sequence[EmbeddingModel]) -> int:
    """Give the tokens that a chunk may have: no more than the settings say, and than each model reads."""
    return min(settings.chunk_tokens, *(embedding.max_tokens or settings.chunk_tokens for embedding in embeddings))
