import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.multilingual import UniversalSentenceEncoder
from store.question_words import question_words

ENCODER = UniversalSentenceEncoder()


def divided(question: str) -> tuple[list[str], list[str]]:
    words = list(question_words(question, ENCODER.token_starts))
    return [word.text for word in words if not word.is_name], [word.text for word in words if word.is_name]


@pytest.mark.parametrize(
    ("question", "words", "names"),
    [
        ("Как хранятся данные в Milvus?", ["хранятся", "данные"], ["Milvus"]),
        ("Wo speichert der Server die Daten?", ["speichert", "Server", "Daten"], []),
        ("Comment créer l'index HNSW dans Milvus ?", ["créer", "index"], ["HNSW", "Milvus"]),
        ("¿Qué limita max_tokens en MilvusClient?", ["limita"], ["max_tokens", "MilvusClient"]),
        ("Milvus'un verileri nerede saklanır?", ["Milvus", "verileri", "saklanır"], []),
        ("Claude의 응답을 API로 받기", ["응답을", "받기"], ["Claude", "API"]),
        ("数据存储在MinIO中", ["数据", "存储"], ["MinIO"]),
        ("データはどこに保存されますか？", ["データ", "保存"], []),
        ("", [], []),
        ("? 1 a", [], []),
    ],
)
def test_words_are_told_from_names_and_function_words_left_out(
    question: str, words: list[str], names: list[str]
) -> None:
    assert divided(question) == (words, names)


def test_tokens_of_one_character_are_joined_in_twos() -> None:
    words = question_words("甲乙丙丁戊", lambda run: range(len(run)))

    assert [word.text for word in words] == ["甲乙", "丙丁"]


@given(st.text(max_size=80) | st.text(alphabet="aB_1 '’-данные数据는のゖー가\u0301\u200d", max_size=60))
def test_words_stand_in_the_question_in_their_order(question: str) -> None:
    question = question.encode("utf-8", "replace").decode("utf-8")
    text, at = unicodedata.normalize("NFKC", question), 0

    for word in question_words(question, ENCODER.token_starts):
        assert len(word.text) > 1
        at = text.index(word.text, at) + len(word.text)
