"""Make store/english_words.npz anew: English words with the signs of their vectors in `multilingual`.

    python -m benchmarks.english_words

The words are those that `minilm` reads as one token, from three letters on (the vocabulary is BERT's: 21,000 words that
are frequent in English, and names), and the function words.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from store.english_words import FILE, signs_of
from store.function_words import FUNCTION_WORDS
from store.multilingual import UniversalSentenceEncoder
from store.weights import find_weights


def main() -> None:
    vocabulary = Tokenizer.from_file(str(find_weights().folder / "tokenizer.json")).get_vocab()
    words = english_words(vocabulary)
    vectors = np.asarray(UniversalSentenceEncoder().encode_documents(words), np.float32)
    file = Path(str(FILE))
    np.savez_compressed(file, words=np.array(words), signs=signs_of(vectors))
    print(f"{len(words):,} words, {file.stat().st_size:,} bytes")


def english_words(vocabulary: Iterable[str]) -> list[str]:
    whole = {word for word in vocabulary if re.fullmatch(r"[a-z]{3,}", word)}
    return sorted(whole | {word for word in FUNCTION_WORDS["en"] if word.isascii()})


if __name__ == "__main__":
    main()
