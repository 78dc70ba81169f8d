import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymilvus import DataType, Function, FunctionType, MilvusClient

from store.lexical import ANALYZER_PARAMS, analyse

MIXED = st.lists(
    st.one_of(
        st.text(),
        st.sampled_from(["Milvus", "v2.4.1", "snake_case", "数据", "ไทย", "हिन्दी", "don't", "C++", "the", "İ", "ß"]),
    )
).map(" ".join)


def terms(text: str) -> set[str]:
    return set(analyse(text).split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How are the files stored?", "file store"),
        ("files, FILES and a file", "file file file"),
        ("MilvusClient", "milvuscli milvus client"),
        ("snake_case", "snakecas snake case"),
        ("__init__.py", "init py"),
        ("HTTPServer", "httpserver http server"),
        ("LLMs and APIs", "llms api"),
        ("http://localhost:19530", "http localhost 19530"),
        ("--dry-run", "dryrun dri run"),
        ("$HOME", "home"),
        ("docs/intro.md", "doc intromd intro md"),
        ("sha256", "sha256 sha 256"),
        ("2.4.1", "2 2ꞏ4 2ꞏ4ꞏ1"),
        ("v2.4.1", "2 2ꞏ4 2ꞏ4ꞏ1 v2ꞏ4ꞏ1"),
        ("C++, C# and C", "cplusplus csharp c"),
        ("It's the user's and can't be", "user"),
        ("the SQL operator NOT IN", "sql oper not in"),
        ("数据存储在etcd中", "数据 据存 存储 储在 etcd 中"),
        ("한국어", "한국 국어"),
        ("ファイルを保存する", "ファ ァイ イル ルを を保 保存 存す"),
        ("ภาษาไทย", "ภาษ าษา ษาไ าไท ไทย"),
        ("٢٠٢٤", "2024"),
        ("What is it?", "what is it"),
        ("ありがとう", "あり りが がと とう"),
        ("... --- !", ""),
    ],
)
def test_terms(text: str, expected: str) -> None:
    assert analyse(text) == expected


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("installing", "It was installed."),
        ("milvus client", "from pymilvus import MilvusClient"),
        ("milvusclient", "from pymilvus import MilvusClient"),
        ("snake-case", "snakeCase"),
        ("email", "e-mail"),
        ("utf-8", "UTF8"),
        ("version 2.4", "Since v2.4.1 this works."),
        ("python 3.11", "Python3.11"),
        ("cafe", "Das Café ist offen."),
        ("Größe", "groesse GRÖSSE"),
        ("Wie installiere ich Container?", "Installing a container"),
        ("Где хранятся файлы?", "Это место, где хранится файл."),
        ("istanbul", "İstanbul"),
        ("数据存储", "所有数据都在这里"),
        ("ｆｕｌｌｗｉｄｔｈ", "fullwidth"),
        ("soft\u00adhyphen", "softhyphen"),
        ("किताबें कहाँ हैं", "यह किताबें"),
        ("الكتاب", "كتاب"),
    ],
)
def test_a_question_meets_its_passage(question: str, passage: str) -> None:
    assert terms(question) & terms(passage)


@pytest.mark.parametrize(
    ("one", "other"), [("2.41", "24.1"), ("कम", "काम"), ("まで", "まて"), ("the IT team", "is it a file")]
)
def test_different_words_do_not_meet(one: str, other: str) -> None:
    assert not terms(one) & terms(other)


def test_vowel_signs_do_not_break_words() -> None:
    assert len(analyse("हिन्दी").split()) == 1


def test_names_are_the_same_in_every_language() -> None:
    assert "docker" in terms("Wie starte ich den Docker mit der Konfiguration?")
    assert "docker" in terms("Как мне запустить Docker?")


def test_long_names_come_in_parts() -> None:
    assert terms(f"{'x' * 150}_{'y' * 150}") == {"x" * 64, "y" * 64}


@given(MIXED)
def test_terms_are_letters_and_digits_in_small_form(text: str) -> None:
    analysed = analyse(text)
    assert all(term.isalnum() and term == term.lower() for term in analysed.split(" ") if analysed)
    assert analysed == analyse(text)


@given(MIXED)
def test_only_a_text_without_letters_and_digits_has_no_terms(text: str) -> None:
    if any(character.isalnum() for character in unicodedata.normalize("NFKC", text)):
        assert analyse(text)


@given(st.from_regex(r"[a-z]{2,12}", fullmatch=True))
def test_words_meet_whatever_their_case(word: str) -> None:
    assert terms(word) & terms(f"{word.capitalize()}.")


@pytest.mark.parametrize("unit", ["word ", "a.", "1.", "a_", "aB", "1a.", "_", "'", "中", "ต", "é", "a-1."])
def test_time_is_linear(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()
    analyse(text)
    assert time.process_time() - start < 10


def test_milvus_indexes_exactly_the_terms(tmp_path: Path) -> None:
    texts = ["v2.4.1", "हिन्दी", "数据库", "snake_case", "naïve", "ภาษาไทย", "Straße", "C++"]
    client = MilvusClient(str(tmp_path / "terms.db"))
    schema = MilvusClient.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("lexical", DataType.VARCHAR, max_length=999, enable_analyzer=True, analyzer_params=ANALYZER_PARAMS)
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_function(Function("bm25", FunctionType.BM25, ["lexical"], ["sparse"]))
    index = MilvusClient.prepare_index_params()
    index.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    client.create_collection("terms", schema=schema, index_params=index)
    every = sorted({term for text in texts for term in analyse(text).split()})
    client.upsert("terms", [{"id": number, "lexical": term} for number, term in enumerate(every)])

    found = client.search(
        "terms", data=every, anns_field="sparse", limit=5, search_params={"metric_type": "BM25", "params": {}}
    )

    client.close()
    assert [[hit["id"] for hit in hits] for hits in found] == [[number] for number in range(len(every))]
