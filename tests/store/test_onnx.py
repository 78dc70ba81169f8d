"""The packaged sentence encoder with its real weights."""

import shutil
import threading
from bisect import bisect_left
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import EmbeddingError
from store.onnx import OnnxSentenceEncoder
from store.weights import Weights, find_weights

ENCODER = OnnxSentenceEncoder()
TEXTS = [
    "Milvus stores inserted data as incremental logs.",
    "",
    "The tower of Pisa leans.",
    "`collection.load()` raises an exception: see the log. " * 40,
    "数据如何存储?",
    "How does Milvus store data?",
    "🎉",
    "one",
    "two words",
    "and three more",
]


def test_documents_come_back_in_order_as_unit_vectors() -> None:
    vectors = np.stack(ENCODER.encode_documents(TEXTS))

    assert vectors.shape == (len(TEXTS), ENCODER.dim)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert int(np.argmax(vectors[:5] @ vectors[5])) == 0


def test_a_batch_gives_what_single_texts_give() -> None:
    together = np.stack(ENCODER.encode_documents(TEXTS))
    alone = np.concatenate([ENCODER.encode_documents([text]) for text in TEXTS])

    assert np.abs(together - alone).max() < 1e-5


SHORT = [text for text in TEXTS if len(text) < 100]


@settings(max_examples=10, deadline=None)
@given(st.permutations(SHORT), st.integers(1, 9))
def test_neither_order_nor_batch_size_changes_a_vector(texts: list[str], batch_size: int) -> None:
    expected = dict(zip(SHORT, ENCODER.encode_documents(SHORT), strict=True))
    encoder = OnnxSentenceEncoder(batch_size=batch_size)
    encoder._session = ENCODER._loaded_session()  # 90 MB are loaded once

    for text, vector in zip(texts, encoder.encode_documents(texts), strict=True):
        assert np.abs(vector - expected[text]).max() < 1e-5


def test_known_values_stay_what_they_were() -> None:
    """The reference implementation's vectors begin like this."""
    (vector,) = ENCODER.encode_documents(["This is an example sentence"])

    assert vector[:3] == pytest.approx([0.0677, 0.0635, 0.0487], abs=5e-4)


def test_a_text_is_cut_at_the_limit() -> None:
    words = "word " * 20_000  # 100,000 characters
    read = "word " * ENCODER.max_tokens

    long, exact, shorter = ENCODER.encode_documents([words, read, "word " * 20])

    assert ENCODER.max_tokens == 254
    assert np.abs(long - exact).max() < 1e-5
    assert np.abs(long - shorter).max() > 1e-3


def test_the_limit_can_be_chosen() -> None:
    texts = ["word " * 500]
    (default,), (longer,) = ENCODER.encode_documents(texts), OnnxSentenceEncoder(max_length=512).encode_documents(texts)

    assert np.abs(default - longer).max() > 1e-4
    with pytest.raises(ValueError, match="max_length is 513"):
        OnnxSentenceEncoder(max_length=513)


def test_no_texts_no_vectors() -> None:
    assert ENCODER.encode_documents([]) == []


def test_it_can_be_called_like_a_pymilvus_function() -> None:
    assert np.array_equal(ENCODER(["x"])[0], ENCODER.encode_queries(["x"])[0])


def test_threads_share_an_encoder() -> None:
    encoder, results = OnnxSentenceEncoder(), {}
    threads = [
        threading.Thread(target=lambda text=text: results.update({text: encoder.encode_documents([text])[0]}))
        for text in TEXTS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for text, expected in zip(TEXTS, ENCODER.encode_documents(TEXTS), strict=True):
        assert np.abs(results[text] - expected).max() < 1e-5


@given(st.text())
def test_token_starts_ascend_and_lie_within_the_text(text: str) -> None:
    starts = ENCODER.token_starts(text)

    assert list(starts) == sorted(starts)
    assert all(0 <= start < len(text) for start in starts)


def test_token_starts_are_the_models_own() -> None:
    text = "Embeddings are unaffordable."
    starts = ENCODER.token_starts(text)

    tokens = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]

    assert tokens == ["Em", "bed", "ding", "s ", "are ", "una", "ff", "ord", "able", "."]


@given(
    st.lists(st.sampled_from(["Milvus", "vector-database", "naïve", "数据", "x=1;", "\n\n", "## Title"]), max_size=40)
)
def test_a_span_counts_as_many_tokens_as_its_text_alone(words: list[str]) -> None:
    text = " ".join(words)
    cut = text.find(" ", len(text) // 2) + 1
    starts = ENCODER.token_starts(text)

    assert bisect_left(starts, cut) == len(ENCODER.token_starts(text[:cut]))
    assert len(starts) - bisect_left(starts, cut) == len(ENCODER.token_starts(text[cut:]))


def test_nothing_is_cut_from_token_starts() -> None:
    assert len(ENCODER.token_starts("word " * 5000)) == 5000


def test_a_damaged_tokenizer_is_noticed_when_the_model_is_opened(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")

    with pytest.raises(EmbeddingError, match=r"tokenizer\.json is damaged"):
        OnnxSentenceEncoder(Weights(tmp_path, find_weights().files))


def test_a_damaged_model_is_noticed_before_it_is_used(tmp_path: Path) -> None:
    good = find_weights()
    shutil.copytree(good.folder, tmp_path / "copy")
    with (tmp_path / "copy/onnx/model.onnx_data").open("r+b") as stream:
        stream.seek(1_000_000)
        stream.write(b"damage")
    encoder = OnnxSentenceEncoder(Weights(tmp_path / "copy", good.files))

    with pytest.raises(EmbeddingError, match=r"model\.onnx_data is damaged"):
        encoder.encode_documents(["text"])
