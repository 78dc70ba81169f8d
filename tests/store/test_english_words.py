import numpy as np
import pytest
from tokenizers import Tokenizer

from benchmarks.english_words import english_words
from store.english_words import _dictionary, nearest_words, signs_of
from store.multilingual import UniversalSentenceEncoder
from store.weights import find_weights

ENCODER = UniversalSentenceEncoder()


def nearest(*words: str) -> list[str]:
    return list(nearest_words(words, np.array(ENCODER.encode_queries(list(words)))))


@pytest.mark.parametrize(
    ("word", "english"),
    [
        ("сервер", "server"),
        ("服务器", "server"),
        ("데이터를", "data"),
        ("データベース", "database"),
        ("développement", "development"),
        ("Unterstützung", "support"),
        ("desarrollo", "development"),
        ("المصادقة", "authentication"),
        ("kimlik", "identity"),
    ],
)
def test_a_word_is_nearest_to_its_translation(word: str, english: str) -> None:
    assert nearest(word) == [english]


@pytest.mark.parametrize(("word", "other"), [("lange", "long"), ("server", "servers")])
def test_no_word_is_its_own_translation(word: str, other: str) -> None:
    assert nearest(word) == [other]


def test_function_words_say_nothing() -> None:
    assert nearest("где", "어떻게", "сервер") == ["", "", "server"]


def test_what_is_near_no_word_has_no_translation() -> None:
    random = np.random.default_rng(0).normal(size=(20, 512)).astype(np.float32)

    assert list(nearest_words(["x"] * 20, random)) == [""] * 20


def test_no_vectors_have_no_words() -> None:
    assert list(nearest_words([], np.empty((0, 512), np.float32))) == []


def test_signs_are_one_bit_a_dimension() -> None:
    vectors = np.array([[1.0] * 64 + [-1.0] * 64, [-1.0] * 127 + [0.5]], np.float32)

    signs = signs_of(vectors)

    assert signs.shape == (2, 2)
    assert np.bitwise_count(signs).tolist() == [[64, 0], [0, 1]]


def test_the_dictionary_is_what_its_script_makes_of_the_packaged_models() -> None:
    words, signs = _dictionary()
    vocabulary = Tokenizer.from_file(str(find_weights().folder / "tokenizer.json")).get_vocab()
    some = list(range(0, len(words), 500))

    assert words == english_words(vocabulary)
    made = signs_of(np.array(ENCODER.encode_documents([words[at] for at in some])))
    # processors round differently: a number next to 0 may have the other sign
    assert np.bitwise_count(made ^ signs[:, some].T).sum() <= len(some)
