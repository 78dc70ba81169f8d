import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pymilvus import Function, FunctionType

from config.errors import ConfigError, StoreError
from config.settings import Settings
from store.collection import Store
from store.compatible import require_same_fingerprint, require_same_vectors
from store.connection import connect, without_credentials
from store.embeddings import open_embedding
from store.filters import equals
from store.fingerprint import Fingerprint
from store.lexical import analyse
from store.milvus import create_beside, drop_leftovers, open_or_create_store, open_store, open_store_if_any, publish
from store.rows import Embedded, ReadRow, StoredRow
from tests.support.backends import Backend

FINGERPRINT = Fingerprint(embedding="minilm", dims=(384,), lexical=1, splitter="askmd 1", chunk_tokens=200, parts=1)


def row(name: str, text: str, ordinal: int = 0) -> StoredRow:
    vectors, parts = open_embedding("minilm").embed_in_parts([text])
    return StoredRow(
        id=name,
        root="docs",
        doc=f"{name}.md",
        text=text,
        ordinal=ordinal,
        file_hash="h",
        embed_hash="e",
        start=0,
        end=len(text),
        start_line=1,
        end_line=1,
        headings=["H"],
        slug="h",
        section_start=0,
        section_end=len(text),
        front_matter={"tags": ["x"]},
        gap="",
        near=[name],
        lexical=analyse(text),
        embedded=[Embedded(vectors[0].tolist(), parts[0])],
    )


@pytest.fixture
def settings(milvus: Backend, tmp_path: Path) -> Settings:
    """A collection on each kind of Milvus."""
    return milvus.settings(tmp_path / "deep")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_or_create_store(settings, FINGERPRINT) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Settings:
    """A file of Milvus Lite, for what is said of files alone."""
    return Settings(milvus_uri=str(tmp_path / "deep" / "s.db"))


def test_what_was_written_is_found_again_after_reopening(milvus: Backend, settings: Settings) -> None:
    with open_or_create_store(settings, FINGERPRINT) as store:
        store.upsert([row("cats", "Cats sleep all day."), row("tax", "Taxes are due in April.")])
        store.begin_root("docs", "/somewhere/docs")
        store.flush()

    with open_store(settings) as store:
        vector = open_embedding("minilm").embed_queries(["When must I pay taxes?"])[0]
        hits = store.nearest("vector", vector.tolist(), 2, "")
        rows = store.get([id_ for id_, _ in hits])

        assert store.fingerprint == replace(FINGERPRINT, lexical=int(milvus.lexical))
        assert store.roots() == {"docs": "/somewhere/docs"}
        assert [id_ for id_, _ in hits] == ["tax", "cats"]
        assert 1 >= hits[0][1] > hits[1][1]
        assert rows["tax"]["headings"] == ["H"]
        assert rows["tax"]["front_matter"] == {"tags": ["x"]}
        if not milvus.lexical:
            assert store.matching(analyse("the APRIL taxes"), 2, "") == []
            return
        assert [id_ for id_, _ in store.matching(analyse("the APRIL taxes"), 2, "")] == ["tax"]
        assert store.matching(analyse("nothing of this kind"), 2, "") == []
        both = store.matching(analyse("cats sleep, taxes"), 2, "")
        assert [id_ for id_, _ in both] == ["cats", "tax"]
        assert both[0][1] > both[1][1] > 0


def test_parts_come_with_the_rows_by_model(file: Settings) -> None:
    two = replace(FINGERPRINT, embedding="minilm+multilingual", dims=(384, 2))
    rows = [row("cats", "Cats sleep all day."), row("tax", "Taxes are due in April.")]
    for each in rows:
        each["embedded"] = [*each["embedded"], Embedded([1.0, 0.0], f"second of {each['id']}")]
    first = {each["id"]: each["embedded"][0].parts for each in rows}
    with open_or_create_store(file, two) as store:
        store.upsert(rows)

        assert parts(store.read(["tax"], [1])) == {"tax": {1: "second of tax"}}
        assert parts(store.read(["cats", "gone", "tax"], [0, 1])) == {
            id_: {0: first[id_], 1: f"second of {id_}"} for id_ in ("cats", "tax")
        }
        assert parts(store.read(["tax"], [])) == {"tax": {}}
        assert store.read([], [0]) == []


def parts(read: Iterable[ReadRow]) -> dict[str, dict[int, str]]:
    return {each.row["id"]: each.parts for each in read}


def test_the_nearest_come_with_their_rows(store: Store) -> None:
    store.upsert([row("cats", "Cats sleep all day."), row("tax", "Taxes are due in April.")])
    store.catch_up()
    vector = open_embedding("minilm").embed_queries(["When must I pay taxes?"])[0].tolist()

    found = store.nearest_rows("vector", vector, 2, "", [0])

    assert [(read.row["id"], score) for read, score in found] == store.nearest("vector", vector, 2, "")
    assert [read for read, _ in found] == [*store.read(["tax"], [0]), *store.read(["cats"], [0])]
    assert [read.row for read, _ in found] == [store.get([id_])[id_] for id_ in ("tax", "cats")]
    assert all(read.parts[0] for read, _ in found)


def test_upserting_again_replaces(store: Store) -> None:
    store.upsert([row("a", "One.")])
    store.upsert([row("a", "Two.")])

    assert store.count() == 1
    assert [each["text"] for each in store.rows(equals("root", "docs"), ["text"])] == ["Two."]


def test_langchain_sees_the_same_collection(store: Store) -> None:
    store.upsert([row("cats", "Cats sleep all day."), row("tax", "Taxes are due in April.")])
    store.catch_up()

    vectorstore = store.vectorstore([open_embedding("minilm")])
    weighted = {"reranker": "weighted", "weights": [0.5, 0.5]}
    ranker: Any = {"reranker": Function("half_half", FunctionType.RERANK, [], params=weighted)}
    if not store.fingerprint.lexical:
        ranker = {}
    documents = vectorstore.similarity_search("When must I pay taxes?", k=1, **ranker)
    retrieved = vectorstore.as_retriever(search_kwargs={"k": 1, **ranker}).invoke("Which animal sleeps?")

    assert (documents[0].page_content, documents[0].metadata["doc"]) == ("Taxes are due in April.", "tax.md")
    assert retrieved[0].metadata["doc"] == "cats.md"


def test_a_rebuild_becomes_visible_to_readers_at_once_and_whole(store: Store, settings: Settings) -> None:
    store.upsert([row("old", "Old text.")])
    with open_store(settings) as reader:
        new = create_beside(settings, store.client, FINGERPRINT)
        new.upsert([row("new", "New text.")])
        new.catch_up()  # as a sync ends
        vector = open_embedding("minilm").embed_queries(["text"])[0].tolist()
        assert [id_ for id_, _ in reader.nearest("vector", vector, 5, "")] == ["old"]

        publish(new)
        drop_leftovers(new)

        assert [id_ for id_, _ in reader.nearest("vector", vector, 5, "")] == ["new"]


def test_removing_a_root_leaves_the_others(store: Store) -> None:
    store.upsert([row("a", "One."), StoredRow(**{**row("b", "Two."), "root": "other"})])
    store.begin_root("docs", "/docs")
    store.begin_root("other", "/other")

    store.delete_root("docs")

    assert store.roots() == {"other": "/other"}
    assert [each["id"] for each in store.rows('id != ""', ["id"])] == ["b"]


def test_more_rows_than_a_page_are_all_given(store: Store) -> None:
    one = row("a", "One.")
    store.upsert([StoredRow(**{**one, "id": f"{n:05}"}) for n in range(4_500)])

    assert len({each["id"] for each in store.rows(equals("root", "docs"), ["id"])}) == 4_500


def test_nothing_ingested_is_said_and_leaves_no_file(file: Settings) -> None:
    assert open_store_if_any(file) is None
    with pytest.raises(StoreError, match=r"no collection 'askmd': nothing was ingested yet; run: askmd ingest PATH"):
        open_store(file)
    assert not Path(file.milvus_uri).exists()


def test_a_missing_collection_is_no_empty_result(store: Store, settings: Settings) -> None:
    store.client.drop_collection(store.target)
    with pytest.raises(StoreError, match="does not exist|not found"):
        store.nearest("vector", [0.0] * 384, 1, "")
    with pytest.raises(StoreError, match="nothing was ingested yet"):
        open_store(settings)


def test_a_file_of_another_process_is_named(file: Settings) -> None:
    with open_or_create_store(file, FINGERPRINT):
        script = (
            "from config.settings import Settings\nfrom store.milvus import open_store\n"
            f"open_store(Settings(milvus_uri={file.milvus_uri!r}))"
        )
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert "is open in another process" in other.stderr.splitlines()[-1]


def test_a_file_of_milvus_lite_2_is_named(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    old.write_bytes(b"SQLite format 3\0" + bytes(100))

    with pytest.raises(StoreError, match=r"old\.db is a single file, as Milvus Lite 2 wrote them"):
        open_store(Settings(milvus_uri=str(old)))
    assert old.read_bytes().startswith(b"SQLite")


def test_a_server_that_does_not_answer_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://root:secret@127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(StoreError, match=r"Milvus at http://127\.0\.0\.1:\d+ does not answer") as caught:
        open_store(Settings(milvus_uri=uri, milvus_timeout=1, milvus_token=SecretStr("root:secret")))
    assert "secret" not in str(caught.value)


def test_a_file_that_takes_too_long_is_not_called_a_server_that_is_down(file: Settings) -> None:
    one = row("a", "word")
    with open_or_create_store(file, FINGERPRINT) as store:
        store.upsert([StoredRow(**{**one, "id": f"{n:05}"}) for n in range(2_000)])
        hasty = replace(store, settings=store.settings.model_copy(update={"milvus_timeout": 0.005}))

        with pytest.raises(StoreError, match=r"Milvus Lite at .*\.db took longer than ASKMD_MILVUS_TIMEOUT allows"):
            hasty.matching("word", 5, "")


def test_a_milvus_with_one_vector_a_row_says_what_to_set(milvus: Backend, settings: Settings) -> None:
    two = replace(FINGERPRINT, embedding="minilm+multilingual", dims=(384, 512))
    if milvus.several_vectors:
        open_or_create_store(settings, two).close()
        return
    with pytest.raises(
        ConfigError, match=r"Milvus v2\.3\.5-lite keeps one vector a row.*minilm for English or multilingual"
    ):
        open_or_create_store(settings, two)


@pytest.mark.parametrize("uri", ["milvus", "ftp://host", "/tmp/folder"])
def test_an_address_that_is_none_is_named(uri: str) -> None:
    with pytest.raises(ConfigError, match=f"MILVUS_URI '{uri}' is neither a Milvus Lite file"):
        connect(uri, None, 1)


def test_credentials_are_never_shown() -> None:
    assert without_credentials("https://user:pass@host:19530/db?token=x") == "https://host:19530/db"
    assert without_credentials("data/askmd.db") == "data/askmd.db"


def test_another_model_is_refused_for_searching(store: Store) -> None:
    require_same_vectors(store, "minilm", [384])
    with pytest.raises(
        StoreError, match=r"'minilm' \(384 dimensions\).*'multilingual' \(512\).*ASKMD_EMBEDDING=minilm.*--rebuild"
    ):
        require_same_vectors(store, "multilingual", [512])


def test_other_settings_are_refused_for_writing(store: Store) -> None:
    require_same_fingerprint(store, FINGERPRINT)
    other = Fingerprint(embedding="minilm", dims=(384,), lexical=1, splitter="askmd 2", chunk_tokens=100)
    with pytest.raises(StoreError, match=r"splitter 'askmd 1', not 'askmd 2'; chunk_tokens 200, not 100; .*--rebuild"):
        require_same_fingerprint(store, other)


def test_a_collection_of_somebody_else_is_refused(store: Store, settings: Settings) -> None:
    store.client.alter_collection_properties(store.target, properties={"askmd.fingerprint": "{}"})
    with pytest.raises(StoreError, match=r"collection '\w+' was not made by askmd; set ASKMD_COLLECTION"):
        open_store(settings)


def test_a_fingerprint_of_an_older_version_can_still_be_read() -> None:
    old = Fingerprint.from_json('{"embedding": "minilm", "dims": [384], "was": 1}')

    assert old.differences(FINGERPRINT) == [
        "lexical 0, not 1",
        "splitter 'unknown', not 'askmd 1'",
        "chunk_tokens 0, not 200",
        "parts 0, not 1",
        "schema 0, not 2",
    ]


def test_an_index_of_another_kind_finds_what_is_near(milvus: Backend, settings: Settings) -> None:
    kinds = [row(word, f"It is about {word}.") for word in ("cats", "taxes", "tea")]
    rows = [StoredRow(**{**each, "id": f"{each['id']} {number}"}) for each in kinds for number in range(30)]
    for index in ("HNSW", "IVF_SQ8"):
        own = settings.model_copy(update={"collection": f"{settings.collection}_{index}"})
        with open_or_create_store(own, replace(FINGERPRINT, index=index)) as store:
            store.upsert(rows)
            store.flush()
            store.catch_up()
        with open_store(own) as store:
            found = [id_ for id_, _ in store.nearest("vector", kinds[1]["embedded"][0].vector, 20, "")]
            assert store.fingerprint.index == index
            assert len(found) == 20
            assert all(name.startswith("taxes") for name in found)


def test_a_collection_has_the_shards_of_the_settings(milvus: Backend, settings: Settings) -> None:
    with open_or_create_store(settings.model_copy(update={"shards": 2}), FINGERPRINT) as store:
        made = store.client.describe_collection(store.target)["num_shards"]

    assert made == (2 if milvus.name == "milvus-2.3" else 1)  # Milvus Lite has no others
