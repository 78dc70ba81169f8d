from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from chains.retrieval.asked import Asked
from config.settings import Settings
from ingest.pipeline import ingest
from store.collection import Store
from store.embeddings import EmbeddingModel, configured_embeddings, open_embeddings
from store.milvus import open_store
from tests.support.corpus import FILES
from tests.support.scripted_encoder import ScriptedEncoder
from tests.support.stores import write_files


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("asked")
    settings = Settings(milvus_uri=str(folder / "s.db"), embedding="minilm")
    ingest(settings, write_files(folder / "docs", FILES))
    with open_store(settings) as opened:
        yield opened


class EndpointOfTwo(ScriptedEncoder):
    """Like an endpoint over a network: it answers once a second question is under way."""

    def __init__(self) -> None:
        super().__init__([[1, 0]])
        self._both = Barrier(2)

    def encode_queries(self, queries: list[str]) -> Any:
        self._both.wait(60)
        return super().encode_queries(queries)


def test_no_question_waits_until_another_is_embedded(store: Store) -> None:
    embedding = EmbeddingModel("two", EndpointOfTwo())
    asked = [Asked(store, [embedding], question) for question in ("Where is tea stored?", "How much coffee?")]

    with ThreadPoolExecutor(2) as threads:
        vectors = list(threads.map(lambda each: each.vector, asked))

    assert [vector.tolist() for vector in vectors] == [[1, 0], [1, 0]]


def test_what_was_read_is_not_read_again(store: Store) -> None:
    asked = Asked(store, [], "Where is tea stored?")
    ids = [row["id"] for row in store.rows("", ["id"])]

    first = asked.rows(ids[:1])
    assert asked.rows(ids[:2]).keys() == set(ids[:2])
    assert asked.rows([*ids[:1], "gone"])[ids[0]] is first[ids[0]]
    assert asked.roots() is asked.roots()
    assert asked.highest() == asked.highest() > 0


def test_what_is_nearest_is_read_with_the_search(tmp_path: Path) -> None:
    settings = Settings(milvus_uri=str(tmp_path / "s.db"), embedding="minilm")
    ingest(settings, write_files(tmp_path / "docs", FILES))
    with open_store(settings) as opened:
        asked = Asked(opened, configured_embeddings(settings), "Where is tea stored?")
        ids = [id_ for id_, _ in asked.nearest(5)]
        read = opened.read(ids, [0])
        opened.client.drop_collection(opened.target)

        assert asked.rows(ids) == {row["id"]: row for row, _ in read}
        assert asked.parts(ids) == {row["id"]: parts for row, parts in read}
        assert all(parts[0] for _, parts in read)


@pytest.mark.parametrize(
    ("question", "models", "compared"),
    [
        ("Where is tea stored?", "minilm", [0]),
        ("Where is tea stored?", "minilm+multilingual", [0]),
        ("Где хранится чай?", "minilm+multilingual", [0, 1]),
        ("Где хранится чай?", "multilingual", [0]),
        ("Где хранится чай?", "minilm", [0]),
    ],
)
def test_parts_are_compared_by_the_model_that_is_asked_and_that_of_the_words_in_english(
    store: Store, question: str, models: str, compared: list[int]
) -> None:
    assert Asked(store, open_embeddings(models), question).compared == compared


def test_no_parts_are_compared_where_the_settings_say_so(store: Store) -> None:
    without = replace(store, settings=store.settings.model_copy(update={"parts": False}))

    asked = Asked(without, open_embeddings("minilm"), "Where is tea stored?")

    assert asked.compared == []
    assert asked.parts([id_ for id_, _ in asked.nearest(5)]) == {}


class Translator(ScriptedEncoder):
    """One that knows what a question about tea is in English."""

    def to_english(self, _: str) -> list[str]:
        return ["tea", "stored"]


def test_the_words_in_english_are_what_a_score_is_held_against(store: Store) -> None:
    asked = Asked(store, [EmbeddingModel("one", Translator([[1, 0]]))], "Где хранится чай?")
    unknown = asked.highest()

    assert asked.is_translatable
    assert asked.translate() == asked.english == "tea stored"
    assert asked.terms.split()[-2:] == ["tea", "store"]
    assert asked.highest() == Asked(store, [], "tea stored").highest() != unknown
    asked.embed_english()
    assert asked.english_parts is None  # there is no model for English beside this one


def test_a_name_in_both_languages_is_searched_for_once(store: Store) -> None:
    asked = Asked(store, [EmbeddingModel("one", Translator([[1, 0]]))], "Где хранится чай (Tea)?")

    asked.translate()

    assert asked.terms.split().count("tea") == 1


def test_a_question_in_english_is_not_to_be_translated(store: Store) -> None:
    assert not Asked(store, [EmbeddingModel("one", Translator([[1, 0]]))], "Where is tea stored?").is_translatable


def test_a_model_that_knows_no_english_gives_no_words(store: Store) -> None:
    asked = Asked(store, [EmbeddingModel("one", ScriptedEncoder([[1, 0]]))], "Где хранится чай?")

    assert not asked.is_translatable
    assert asked.translate() == asked.english == ""
