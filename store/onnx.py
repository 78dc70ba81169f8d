"""The packaged sentence encoder, all-MiniLM-L6-v2, on onnxruntime.

It has the shape of a pymilvus.model embedding function (`__call__`, `encode_documents`, `encode_queries`, `dim`)
without importing that package, which would load transformers for nothing.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from store.function_words import FUNCTION_WORDS
from store.parts import pack
from store.weights import Weights, find_weights

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]
    from tokenizers import Tokenizer

_LONGEST = 512  # positions that the model knows
_SPECIAL_TOKENS = 2  # [CLS] in front, [SEP] behind
_LITTLE = 0.3  # what function words and punctuation weigh in a question (benchmarks/retrieval.md)
_TOKENIZED_AT_ONCE = 512  # the tokenizer's own records take some 25 kB a text: only the ids are kept


class OnnxSentenceEncoder:
    """Texts to unit vectors of 384 float32, by mean pooling over the tokens that are not padding.

    `max_length` is where a text is cut, in tokens with the two special ones; `max_tokens` is what that leaves for the
    text. Building one loads the tokenizer alone; the model itself is hashed and loaded at the first text to encode.
    Safe to share between threads. Raises EmbeddingError if the weights are missing or damaged.
    """

    dim = 384

    def __init__(
        self,
        weights: Weights | None = None,
        *,
        max_length: int = 256,
        threads: int | None = None,
        batch_size: int = 8,
    ) -> None:
        if not _SPECIAL_TOKENS < max_length <= _LONGEST:
            raise ValueError(f"max_length is {max_length}; it must lie between {_SPECIAL_TOKENS + 1} and {_LONGEST}")
        self.max_length = max_length
        self.max_tokens = max_length - _SPECIAL_TOKENS
        self._weights = weights or find_weights()
        self._threads = threads or _available_cores()
        self._batch_size = batch_size
        self._tokenizer = _load_tokenizer(self._weights)
        self._session: InferenceSession | None = None
        self._loading = Lock()

    def __call__(self, texts: list[str]) -> list[npt.NDArray[np.float32]]:
        """The same as `encode_documents`."""
        return self.encode_documents(texts)

    def encode_queries(self, queries: list[str]) -> list[npt.NDArray[np.float32]]:
        """The same as `encode_documents`: this model reads questions and passages alike."""
        return self.encode_documents(queries)

    def encode_documents(self, documents: list[str]) -> list[npt.NDArray[np.float32]]:
        """One unit vector of shape (384,) a text, in the order of the texts; an empty text has one too."""
        return self.encode_documents_in_parts(documents)[0]

    def encode_documents_in_parts(self, documents: list[str]) -> tuple[list[npt.NDArray[np.float32]], list[str]]:
        """The same, and the tokens of each text that name something, packed."""
        ids = self._token_ids(documents)
        vectors = np.empty((len(documents), self.dim), dtype=np.float32)
        packed = [""] * len(documents)
        for rows, states, mask in self._states(ids):
            vectors[rows] = _pooled(states, mask)
            for row, tokens in zip(rows, states, strict=True):
                own = ids[row][1:-1]
                packed[row] = pack(tokens[1 : len(own) + 1][self._names[own]])
        return list(vectors), packed

    def encode_question_in_parts(self, question: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The vector of a question, and those of its tokens, of shape (tokens, 384), as long as what each weighs."""
        ids = self._token_ids([question])
        ((_, states, mask),) = self._states(ids)
        tokens = states[0, 1:-1]
        weights = np.where(self._names[ids[0][1:-1]], np.float32(1), np.float32(_LITTLE))[:, np.newaxis]
        return _pooled(states, mask)[0], tokens * (weights / np.linalg.norm(tokens, axis=1, keepdims=True))

    def token_starts(self, text: str) -> Sequence[int]:
        """Where each token of the whole text starts, in characters, never descending; no special tokens."""
        return [start for start, _ in self._tokenizer.encode(text, add_special_tokens=False).offsets]

    @cached_property
    def _names(self) -> npt.NDArray[np.bool_]:
        """By the number of a token, whether it is more than a function word or punctuation."""
        vocabulary = self._tokenizer.get_vocab()
        names = np.zeros(max(vocabulary.values()) + 1, dtype=np.bool_)
        for piece, id_ in vocabulary.items():
            special = piece.startswith("[") and len(piece) > 1
            names[id_] = not special and piece not in FUNCTION_WORDS["en"] and any(map(str.isalnum, piece))
        return names

    def _token_ids(self, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
        ids = []
        for first in range(0, len(texts), _TOKENIZED_AT_ONCE):
            for encoding in self._tokenizer.encode_batch_fast(list(texts[first : first + _TOKENIZED_AT_ONCE])):
                kept = np.array(encoding.ids[: self.max_length], dtype=np.int64)
                kept[-1] = encoding.ids[-1]  # a text that was cut ends with [SEP] too
                ids.append(kept)
        return ids

    def _states(
        self, ids: Sequence[npt.NDArray[np.int64]]
    ) -> Iterator[tuple[list[int], npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
        """Give in batches the numbers of some texts, the states of their tokens, and a mask that is 0 for padding."""
        # Neighbours in length share a batch, so that little of it is padding.
        by_length = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        for first in range(0, len(ids), self._batch_size):
            rows = by_length[first : first + self._batch_size]
            yield rows, *self._encode_batch([ids[row] for row in rows])

    def _encode_batch(
        self, batch: Sequence[npt.NDArray[np.int64]]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        input_ids = np.zeros((len(batch), max(map(len, batch))), dtype=np.int64)
        mask = np.zeros_like(input_ids)
        for row, ids in enumerate(batch):
            input_ids[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        inputs = {"input_ids": input_ids, "attention_mask": mask, "token_type_ids": np.zeros_like(input_ids)}
        (states,) = self._loaded_session().run(["last_hidden_state"], inputs)
        return np.asarray(states), mask

    def _loaded_session(self) -> Any:
        with self._loading:
            if self._session is None:
                self._session = _load_session(self._weights, self._threads)
            return self._session


def _pooled(states: npt.NDArray[np.float32], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    # The mean's divisor would vanish in the normalisation: the sum over the real tokens is enough.
    pooled: npt.NDArray[np.float32] = (mask[:, np.newaxis, :].astype(np.float32) @ states)[:, 0]
    pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
    return pooled


def _load_tokenizer(weights: Weights) -> "Tokenizer":
    from tokenizers import Tokenizer

    weights.verify("tokenizer.json")
    tokenizer = Tokenizer.from_file(str(weights.folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _load_session(weights: Weights, threads: int) -> "InferenceSession":
    with ThreadPoolExecutor(1) as pool:
        verdict = pool.submit(weights.verify)  # hashing leaves the interpreter free for the import
        import onnxruntime

        verdict.result()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait in a busy loop take the processor from a server in the same process or beside it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = str(weights.folder / "onnx/model.onnx")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _available_cores() -> int:
    if (given := os.environ.get("OMP_NUM_THREADS", "")).isdecimal():  # so is a worker of a cluster told its share
        return max(1, int(given))
    if hasattr(os, "sched_getaffinity"):  # fewer than the machine has, in a container
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
