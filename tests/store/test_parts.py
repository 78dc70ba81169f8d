"""Parts of texts, packed and compared; the reference is written out plainly."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from store.embeddings import open_embedding
from store.parts import MAX_PARTS, closeness, pack
from store.rows import MAX_TEXT_BYTES

DIM = 16
_numbers = st.integers(-9, 9).map(lambda number: number + 0.5)  # of none is the sign in doubt


parts = st.integers(1, 6).flatmap(lambda count: arrays(np.float32, (count, DIM), elements=_numbers))


@given(parts, st.lists(parts, max_size=5))
def test_each_part_of_a_question_counts_its_best_match(
    question: npt.NDArray[np.float32], texts: list[npt.NDArray[np.float32]]
) -> None:
    found = closeness(question, [pack(text) for text in texts])

    assert len(found) == len(texts)
    for value, text in zip(found, texts, strict=True):
        signs = np.where(text > 0, 1, -1) / DIM**0.5
        best = [max(float(part @ sign) for sign in signs) for part in question]
        assert value == pytest.approx(sum(best) / sum(float(np.linalg.norm(part)) for part in question), abs=1e-5)
        assert -1.001 <= value <= 1.001


def test_many_parts_are_compared_as_few_are() -> None:
    random = np.random.default_rng(0)
    question = random.normal(size=(40, 384)).astype(np.float32)
    texts = [pack(random.normal(size=(number, 384))) for number in (1, 300, 512, 7)]

    assert closeness(question, texts) == pytest.approx([closeness(question, [text])[0] for text in texts], abs=1e-5)


def test_the_most_parts_fit_into_a_field_of_milvus() -> None:
    packed = pack(np.ones((MAX_PARTS + 7, 512), np.float32))

    assert len(packed) <= MAX_TEXT_BYTES
    assert packed == pack(np.ones((MAX_PARTS, 512), np.float32))


TEXTS = [
    "# Backups\n\nEvery night at two the database is copied to another building. Copies are kept for a month.\n",
    "# Cats\n\nA cat sleeps for most of the day.\n",
    "# Taxes\n\nTaxes are due in March; who pays later owes interest.\n",
]


@pytest.mark.parametrize("name", ["minilm", "multilingual"])
def test_a_model_finds_a_detail_among_parts(name: str) -> None:
    model = open_embedding(name)
    vectors, packed = model.embed_in_parts(TEXTS)
    vector, question = model.embed_question("How long are old copies kept?")

    close = closeness(question, packed)
    assert close.index(max(close)) == 0
    assert np.abs(vectors - model.embed(TEXTS)).max() < 1e-6
    assert np.abs(vector - model.embed_queries(["How long are old copies kept?"])[0]).max() < 1e-6
    turned = model.embed_in_parts(TEXTS[::-1])[1]
    assert closeness(question, turned[::-1]) == pytest.approx(close, abs=0.01)


def test_a_function_word_weighs_less_than_a_name() -> None:
    _, question = open_embedding("minilm").embed_question("where is Paris?")

    assert np.linalg.norm(question, axis=1) == pytest.approx([0.3, 0.3, 1, 0.3], abs=1e-5)


@pytest.mark.parametrize("name", ["minilm", "multilingual"])
@pytest.mark.parametrize("text", ["", " \n", "\x00", "…", "a", "- - -\n***\n", "🎉", "\ud800"])
def test_texts_that_say_hardly_anything_have_few_parts_or_none(name: str, text: str) -> None:
    model = open_embedding(name)
    vectors, packed = model.embed_in_parts([text, "A sentence of some words."])
    vector, question = model.embed_question(text)

    assert vectors.shape == (2, model.dim)
    assert vector.shape == (model.dim,)
    held = [each for each in packed if each]
    assert len(held) >= 1
    if len(question):
        assert all(-1.001 <= value <= 1.001 for value in closeness(question, held))
