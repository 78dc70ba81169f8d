import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.multilingual import UniversalSentenceEncoder, _sentences

ENCODER = UniversalSentenceEncoder()


@given(
    st.text() | st.text(alphabet="Añ 数ﬁ가\u0301\u200b\u200d\ufeff\u00ad\x00\x1f\x85\u2028\u00b4\u00a8\u00a0\n .1`▁")
)
def test_words_one_by_one_have_the_tokens_of_the_whole_text(text: str) -> None:
    text = text.encode("utf-8", "replace").decode("utf-8")
    whole = ENCODER._tokenizer().encode(text, add_bos=False, add_eos=False)

    assert (list(ENCODER._tokens(text).ids) or [0]) == whole


def sentences(text: str) -> list[str]:
    starts = ENCODER.token_starts(text)
    bounds = [*starts, len(text)]
    return [text[bounds[first] : bounds[last]].strip() for first, last in _sentences(text, starts)]


def test_a_passage_is_divided_into_lines_and_sentences() -> None:
    text = (
        "## Data storage\n\n- Milvus keeps data in **MinIO**. Metadata is in etcd!\n> Short.\n\n```\nmake test\n```\n"
    )

    assert sentences(text) == [
        "Data storage",
        "Milvus keeps data in **MinIO**.",
        "Metadata is in etcd!",
        "make test",
    ]


def test_scripts_without_blanks_have_sentences_too() -> None:
    text = "数据存储在对象存储中，也可以存储在本地。元数据存储在分布式的键值存储中。"

    assert [each.rstrip("。") for each in sentences(text)] == text.rstrip("。").split("。")


@given(st.text(max_size=200))
def test_sentences_are_told_by_tokens_in_their_order(text: str) -> None:
    starts = ENCODER.token_starts(text.encode("utf-8", "replace").decode("utf-8"))
    spans = _sentences(text, starts)

    places = [place for span in spans for place in span]
    assert places == sorted(places)
    assert all(first < last <= len(starts) for first, last in spans)


@pytest.mark.parametrize(
    ("question", "english"),
    [
        ("Как хранятся данные в Milvus?", ["stored", "data", "Milvus"]),
        ("数据存储在哪里？", ["data", "storage"]),
        ("Wie ist das?", []),
        ("", []),
    ],
)
def test_a_question_is_put_into_english_word_by_word(question: str, english: list[str]) -> None:
    assert ENCODER.to_english(question) == english


def test_a_word_that_comes_twice_is_there_once() -> None:
    assert ENCODER.to_english("данные и данные, сервер и servers, сервер") == ["data", "server", "servers"]
    assert ENCODER.to_english("данные, 数据") == ["data"]


@given(st.text(max_size=80))
def test_any_question_is_put_into_some_english(question: str) -> None:
    english = ENCODER.to_english(question.encode("utf-8", "replace").decode("utf-8"))

    assert all(english)
    assert len(set(english)) == len(english)
