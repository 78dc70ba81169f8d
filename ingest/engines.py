"""Engines by name."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from config.errors import ConfigError
from config.settings import Settings
from ingest.ingestion import Engine
from ingest.local_engine import LocalEngine
from ingest.splitter import make_splitter
from store.connection import is_lite
from store.embeddings import EmbeddingModel, name_together

ENGINES = ("local", "ray")


@contextmanager
def open_engine(name: str, settings: Settings, embeddings: Sequence[EmbeddingModel]) -> Iterator[Engine]:
    """Open what reads, splits and embeds: `local`, or `ray` for a cluster.

    Raises ConfigError for another name, and where there is no cluster or only a Milvus Lite file.
    """
    match name:
        case "local":
            yield LocalEngine(make_splitter(settings, embeddings), embeddings)
        case "ray":
            if is_lite(settings.milvus_uri):
                raise ConfigError(
                    f"the engine ray needs a Milvus server or Zilliz Cloud: MILVUS_URI {settings.milvus_uri!r} is a "
                    "file, which one process alone can open"
                )
            from ingest.ray_cluster import ray_cluster
            from ingest.ray_engine import RayEngine

            with ray_cluster():
                yield RayEngine(settings, name_together(embeddings))
        case _:
            raise ConfigError(f"no engine is called {name!r}; use {' or '.join(ENGINES)}")
