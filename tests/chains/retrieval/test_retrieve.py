import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from chains.retrieval.asked import Asked
from chains.retrieval.find import find as search
from chains.retrieval.late import DEPTH, WEIGHTS
from chains.retrieval.retrieve import open_query_embeddings, retrieve
from chains.retrieval.widen import WHOLE
from chains.schema import Hit
from config.errors import ConfigError, StoreError
from config.settings import MAX_K, Settings
from ingest.pipeline import ingest
from store.collection import Store
from store.fingerprint import PARTS_VERSION
from store.milvus import open_store
from tests.support.backends import Backend
from tests.support.corpus import FILES
from tests.support.stores import write_files

MANUAL = (
    "# Manual\n\n## Timeouts\n\n"
    + "\n\n".join(
        f"Rule {n}: the gateway waits for {n} seconds before it gives a request up and says so." for n in range(30)
    )
    + "\n\n## Variables\n\nSet `GATEWAY_MAX_WAIT` to change it.\n\n## Codes\n\nError E4711 means that the disc is full.\n"
)


@pytest.fixture(scope="module", params=["minilm", "minilm+multilingual"])
def store(milvus: Backend, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("retrieve")
    embedding = request.param if milvus.several_vectors else request.param.rpartition("+")[2]
    settings = milvus.settings(folder, embedding=embedding, chunk_tokens=64)
    ingest(settings, write_files(folder / "docs", {**FILES, "manual.md": MANUAL}))
    with open_store(settings) as opened:
        yield opened


def find(store: Store, question: str, k: int = 3) -> list[Hit]:
    return retrieve(store, open_query_embeddings(store.settings, store), question, k)


def test_what_both_ways_find_comes_first_with_its_parts(store: Store) -> None:
    hits = find(store, "Where is tea stored?")

    assert hits[0]["slug"] == "where-is-tea-stored"
    assert hits[0]["ranks"] == {"dense": 1, "late": 1} | ({"lexical": 1} if store.fingerprint.lexical else {})
    assert hits[0]["score"] == pytest.approx(1)
    assert 0 < hits[0]["scores"]["dense"] <= 1
    assert ("lexical" in hits[0]["scores"]) == bool(store.fingerprint.lexical)
    assert hits[0]["scores"].get("lexical", 1) > 0
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)


@pytest.mark.parametrize(("question", "words"), [("E4711", "Error E4711"), ("gateway max wait", "GATEWAY_MAX_WAIT")])
def test_names_and_codes_are_found_by_their_letters(store: Store, question: str, words: str) -> None:
    hits = find(store, question, 1 if store.fingerprint.lexical else 5)  # by their meaning, if at all

    assert any(words in hit["text"] for hit in hits)


def test_passages_are_exact_slices_of_their_section_and_do_not_overlap(store: Store) -> None:
    sources = {**FILES, "manual.md": MANUAL}
    hits = find(store, "How many seconds does the gateway wait by rule 7?", 5)

    for hit in hits:
        assert hit["text"] == sources[hit["doc"]][hit["start"] : hit["end"]]
        assert sources[hit["doc"]].count("\n", 0, hit["start"]) + 1 == hit["start_line"]
        assert len(hit["text"]) <= store.settings.passage_chars * (WHOLE if hit is hits[0] else 1)
    long = [hit for hit in hits if hit["doc"] == "manual.md" and hit["slug"] == "timeouts"]
    assert max(len(hit["text"]) for hit in long) > 1_000
    spans = sorted((hit["doc"], hit["start"], hit["end"]) for hit in hits)
    assert all(a[0] != b[0] or a[2] <= b[1] for a, b in pairwise(spans))
    assert len(hits) == 5


def test_copies_give_their_place_to_other_passages(tmp_path: Path) -> None:
    settings = Settings(milvus_uri=str(tmp_path / "s.db"))
    copies = {f"{name}/coffee.md": FILES["drinks/coffee.md"] for name in "abcdefgh"}
    other = FILES["drinks/coffee.md"].replace("18 grams", "19 grams")
    ingest(settings, write_files(tmp_path / "docs", {**copies, "new/coffee.md": other, "tea.md": FILES["tea.md"]}))

    with open_store(settings) as store:
        hits = find(store, "How much ground coffee goes into an espresso?", 5)

    texts = [hit["text"] for hit in hits]
    assert len(hits) == 5
    assert len(set(texts)) == 5
    assert sum("18 grams" in text for text in texts) == sum("19 grams" in text for text in texts) == 1
    (espresso,) = (hit for hit in hits if "18 grams" in hit["text"])
    places = [espresso, *espresso["also_in"]]
    assert {place["doc"] for place in places} == copies.keys()
    for place in places:
        text = Path(place["path"]).read_bytes().decode()
        assert text[place["start"] : place["end"]] == espresso["text"]
        assert text.count("\n", 0, place["start"]) + 1 == place["start_line"]


@pytest.mark.parametrize("names", ["amz", "zma"])
def test_of_copies_the_first_place_is_given_whichever_came_into_the_store_first(tmp_path: Path, names: str) -> None:
    settings = Settings(milvus_uri=str(tmp_path / "s.db"))
    files = dict(FILES)
    for letter in names:
        files[f"{letter}.md"] = "# Lamps\n\nThe lamp burns oil.\n"
        ingest(settings, write_files(tmp_path / "docs", files))

    with open_store(settings) as store:
        lamps = find(store, "What does the lamp burn?", 1)[0]

    assert [place["doc"] for place in (lamps, *lamps["also_in"])] == ["a.md", "m.md", "z.md"]


def test_other_languages_ask_the_second_model(store: Store) -> None:
    hits = find(store, "Где хранится чай?", 1)

    if store.fingerprint.embedding == "minilm+multilingual":
        assert hits[0]["slug"] == "where-is-tea-stored"
    assert len(hits) == 1


def test_a_question_in_another_language_is_searched_for_in_english_too(store: Store) -> None:
    hits = find(store, "Где хранится чай?", 1)

    if "multilingual" in store.fingerprint.embedding and store.fingerprint.lexical:
        assert hits[0]["english"] == "stored tea"
        assert hits[0]["ranks"]["lexical"] == 1  # the text has no word in Cyrillic letters
        assert ("english" in hits[0]["ranks"]) == store.fingerprint.embedding.startswith("minilm+")
    elif "multilingual" in store.fingerprint.embedding:
        assert hits[0]["english"] == "stored tea"
    else:
        assert hits[0]["english"] == ""
        assert "lexical" not in hits[0]["ranks"]


def test_a_question_in_english_is_not_put_into_english(store: Store) -> None:
    (hit,) = find(store, "Where is tea stored?", 1)

    assert hit["english"] == ""
    assert "english" not in hit["ranks"]


def test_documents_in_the_language_of_the_question_are_searched_as_they_are(tmp_path: Path) -> None:
    settings = Settings(milvus_uri=str(tmp_path / "s.db"), embedding="minilm+multilingual")
    files = {"чай.md": "# Чай\n\nЧай хранится в закрытой банке.\n", "tea.md": "# Tea\n\nTea is stored in a tin.\n"}
    ingest(settings, write_files(tmp_path / "docs", files))

    with open_store(settings) as store:
        hits = find(store, "Где хранится чай?", 2)

    assert [hit["doc"] for hit in hits] == ["чай.md", "tea.md"]
    assert {hit["english"] for hit in hits} == {""}


def test_documents_in_a_third_language_are_not_searched_for_in_english(tmp_path: Path) -> None:
    settings = Settings(milvus_uri=str(tmp_path / "s.db"), embedding="minilm+multilingual")
    files = {"a.md": "# Tee\n\nDer Tee wird in einer Dose aufbewahrt, und das ist auch gut so.\n"}
    ingest(settings, write_files(tmp_path / "docs", files))

    with open_store(settings) as store:
        (hit,) = find(store, "Где хранится чай?", 1)

    assert hit["english"] == ""


def test_the_parts_of_the_best_are_fused_with_their_weight(store: Store) -> None:
    models = open_query_embeddings(store.settings, store)
    found = search(Asked(store, models, "How long until the gateway tells that a request failed?"), 50)
    late = {each.id: each.scores["late"] for each in found if "late" in each.scores}
    best = next(each for each in found if each.ranks.get("late") == 1)

    assert len(late) == min(len(found), DEPTH)
    assert all(-1 <= score <= 1 for score in late.values())
    assert late[best.id] == max(late.values())
    assert best.score >= WEIGHTS[models[0].name]
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


@pytest.mark.parametrize("parts", [True, False])
def test_as_many_passages_come_as_were_asked_for(tmp_path: Path, *, parts: bool) -> None:
    """However few are looked for where few are wanted."""
    settings = Settings(milvus_uri=str(tmp_path / "s.db"), embedding="minilm", parts=parts)
    files = {f"{n}.md": f"# Tea of house {n}\n\nHouse {n} keeps its tea on shelf {n * 7}.\n" for n in range(MAX_K + 20)}
    ingest(settings, write_files(tmp_path / "docs", files))
    with open_store(settings) as store:
        for k in (1, 60, MAX_K):
            assert len(find(store, "Where is tea kept?", k)) == k


def test_what_has_no_parts_is_found_all_the_same(tmp_path: Path) -> None:
    settings = Settings(milvus_uri=str(tmp_path / "s.db"), embedding="minilm")
    ingest(
        settings,
        write_files(tmp_path / "docs", {"a.md": "# \n\nTo be or not to be\n", "b.md": "# Tea\n\nTea is hot.\n"}),
    )
    with open_store(settings) as store:
        for question in ("to be or not to be", "tea"):
            hits = find(store, question)
            assert {hit["doc"]: "late" in hit["scores"] for hit in hits} == {"a.md": False, "b.md": True}


@pytest.mark.parametrize("kept", [True, False])
def test_parts_count_where_store_and_settings_have_them(milvus: Backend, tmp_path: Path, *, kept: bool) -> None:
    settings = milvus.settings(tmp_path, parts=kept)
    ingest(settings, write_files(tmp_path / "docs", FILES))
    with open_store(settings) as store:
        for wanted in (True, False):
            models = open_query_embeddings(settings.model_copy(update={"parts": wanted}), store)
            hits = retrieve(store, models, "Where is tea stored?", 3)
            assert hits[0]["slug"] == "where-is-tea-stored"
            assert ("late" in hits[0]["scores"]) == (kept and wanted)

    if not kept:
        with pytest.raises(StoreError, match=rf"built with parts 0, not {PARTS_VERSION}; .*--rebuild"):
            ingest(settings.model_copy(update={"parts": True}), tmp_path / "docs")


def test_a_question_of_signs_alone_finds_by_its_vector(store: Store) -> None:
    assert all("lexical" not in hit["ranks"] for hit in find(store, "?!"))


def test_a_blank_question_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="the question is empty"):
        find(store, " \n")


def test_a_store_of_other_models_is_refused(store: Store, tmp_path: Path) -> None:
    other = store.settings.model_copy(update={"embedding": "multilingual+minilm"})
    built = re.escape(f"was built with embedding {store.fingerprint.embedding!r}")
    with pytest.raises(StoreError, match=built + r".*'multilingual\+minilm' \(512\+384\)"):
        open_query_embeddings(other, store)
