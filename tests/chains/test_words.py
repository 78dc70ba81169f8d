import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.words import terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("setting", "Settings"),
        ("stores", "stored"),
        ("store", "storing"),
        ("boxes", "box"),
        ("installation", "installing"),
        ("Einstellung", "Einstellungen"),
        ("Datei", "DATEIEN"),
        ("Straße", "STRASSE"),
        ("файл", "файлами"),
        ("хранит", "хранить"),
        ("настройка", "настройки"),
    ],
)
def test_forms_of_a_word_are_one_term(one: str, other: str) -> None:
    assert terms(one) == terms(other)
    assert len(terms(one)) == 1


def test_english_stop_words_are_left_out() -> None:
    assert terms("What is the port of it?") == ["port"]


def test_chinese_japanese_and_korean_become_pairs() -> None:
    assert terms("数据存储 のファ 한국어 中") == ["数据", "据存", "存储", "のフ", "ファ", "한국", "국어", "中"]


def test_scripts_may_be_mixed() -> None:
    assert terms("存储在etcd中") == ["存储", "储在", "etcd", "中"]


def test_names_are_divided_at_marks() -> None:
    assert terms("`ASKMD_K=5`") == ["askmd", "k", "5"]


@given(st.text())
def test_terms_are_never_empty_and_stay_when_taken_again_from_upper_case(text: str) -> None:
    assert all(terms(text))
    assert terms(text) == terms(text.casefold())
