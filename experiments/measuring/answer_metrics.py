"""An answer held against references. Pure; every value lies between 0 and 1.

Answers and references are compared as words: NFKC, case folded, without Markdown, citations, punctuation and English
articles, as SQuAD's evaluation does it (Rajpurkar et al., 2016); scripts without blanks count character by character.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import regex

_CITATION = re.compile(r"\[\d+\??(?:, \d+\??)*\]")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ARTICLES = {"a", "an", "the"}
_WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]|[^\W_]+")


def words(text: str) -> list[str]:
    """Give the words that are compared."""
    plain = _LINK.sub(r"\1", _CITATION.sub(" ", text))
    folded = unicodedata.normalize("NFKC", plain).casefold()
    return [word for word in _WORD.findall(folded) if word not in _ARTICLES]


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 if the answer has the words of a reference, in the same order, and no others."""
    return float(any(words(answer) == words(reference) for reference in references))


def token_f1(answer: str, references: Sequence[str]) -> float:
    """Give the harmonic mean of precision and recall of words, by the reference that suits best."""
    return max(_f1(Counter(words(answer)), Counter(words(reference))) for reference in references)


def _f1(said: Counter[str], wanted: Counter[str]) -> float:
    shared = (said & wanted).total()
    return 2 * shared / (said.total() + wanted.total()) if shared else float(not said and not wanted)


def chrf(answer: str, references: Sequence[str]) -> float:
    """Give chrF (Popović, 2015), the F score of character n-grams, as sacrebleu computes it, by the best reference."""
    from sacrebleu.metrics.chrf import CHRF

    said = " ".join(words(answer))
    score = CHRF()
    return max(float(score.sentence_score(said, [" ".join(words(each))]).score) for each in references) / 100


def key_fact_recall(answer: str, facts: Sequence[Sequence[str]]) -> float:
    """Give the share of the facts of which one wording stands in the answer, word by word."""
    said = f" {' '.join(words(answer))} "
    return sum(any(f" {' '.join(words(wording))} " in said for wording in fact) for fact in facts) / len(facts)
