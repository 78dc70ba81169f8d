"""English words, and how near the words of other languages are to them.

`multilingual` gives a word about the same vector in each of its languages, which makes a dictionary of it: the word's
translation is the nearest English word (Vulić and Moens, "Monolingual and Cross-Lingual Information Retrieval Models
Based on (Bilingual) Word Embeddings", SIGIR 2015). Kept are the signs of the vectors, 64 bytes a word
(english_words.npz, made by benchmarks/english_words.py); they translate as well as whole numbers do
(benchmarks/retrieval.md).
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from store.function_words import FUNCTION_WORDS

FILE = files("store").joinpath("english_words.npz")

_FARTHEST = 179
"""Signs of 512 in which a word and its translation may differ; what is farther off has none."""


def signs_of(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
    """Vectors of shape (number, dimensions, a multiple of 64) to their signs, one bit a dimension."""
    return np.packbits(vectors > 0, axis=1).view(np.uint64)


def nearest_words(foreign: Sequence[str], vectors: npt.NDArray[np.float32]) -> Iterator[str]:
    """Give for each word, with its vector by `multilingual` in an array of shape (words, 512), the nearest English one.

    It is another word than itself: `lange` is a name in English, too. It is empty where none is near, and where it is a
    function word, which says nothing by itself.
    """
    words, known = _dictionary()
    for word, own in zip(foreign, signs_of(vectors), strict=True):
        apart = np.bitwise_count(known ^ own[:, np.newaxis]).sum(axis=0, dtype=np.uint16)
        best = min(np.argpartition(apart, 1)[:2], key=lambda at: (words[at] == word.casefold(), apart[at]))
        near = apart[best] <= _FARTHEST and words[best] not in FUNCTION_WORDS["en"]
        yield words[best] if near else ""


@cache
def _dictionary() -> tuple[Sequence[str], npt.NDArray[Any]]:
    with FILE.open("rb") as file, np.load(file) as loaded:
        # One behind the other lie the words, not the signs of a word: so they are counted five times as fast.
        return loaded["words"].tolist(), np.ascontiguousarray(loaded["signs"].T)
