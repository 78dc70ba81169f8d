"""What tests of the chain share: the small corpus in a store, and a scripted chat server."""

from collections.abc import Iterator

import pytest

from config.settings import Settings
from ingest.pipeline import ingest
from store.collection import Store
from store.milvus import open_store
from tests.support.chat_server import ChatServer
from tests.support.corpus import FILES
from tests.support.stores import write_files


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The small corpus, ingested once for all tests of a file."""
    folder = tmp_path_factory.mktemp("chains")
    settings = Settings(milvus_uri=str(folder / "s.db"))
    ingest(settings, write_files(folder / "handbook", FILES))
    with open_store(settings) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as started:
        yield started
