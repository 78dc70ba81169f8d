"""The evidence gate: does what was found hold an answer at all? Pure.

Two signs speak for a passage: its cosine, and how much of the question its words cover (see coverage.py). A logistic
curve makes a confidence of them, one for each embedding model (config/gate.toml, fitted by benchmarks/refusal.py).
Where passage and question are in different languages they share no words, and the cosine counts, with the match of
parts where the store holds them (store/parts.py), and the words that were searched for in English.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from store.language import is_english, language, main_script

DEPTH = 5
"""Chunks that are looked at, however many passages are asked for."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What speaks for a chunk: cosine, coverage (0 to 1; None without BM25), whether it is in another language, the
    match of its parts (-1 to 1; None without), and whether the coverage is that of the question's words in English.
    """

    dense: float
    coverage: float | None
    across: bool
    late: float | None = None
    in_english: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """Log-odds of an answer as a linear function."""

    bias: float = 0.0
    dense: float = 0.0
    coverage: float = 0.0
    late: float = 0.0

    def confidence(self, sign: Sign) -> float:
        """Give the chance of an answer, 0 to 1."""
        odds = self.bias + self.dense * sign.dense + self.coverage * (sign.coverage or 0.0)
        odds += self.late * (sign.late or 0.0)
        return 1 / (1 + math.exp(-odds))


def confidence(embedding: str, signs: Sequence[Sign]) -> float:
    """Give how sure it is that one of the chunks holds an answer, 0 to 1; 0 without chunks."""
    return max((_curve(embedding, sign).confidence(sign) for sign in signs), default=0.0)


def is_across(question: str, text: str) -> bool:
    """Tell whether two texts are in languages that share no words.

    In another script than the Latin one the script decides; what shows no language (keywords, code) counts as English.
    """
    scripts = {main_script(question) or "latin", main_script(text) or "latin"}
    return len(scripts) > 1 or (scripts == {"latin"} and _known_language(question) != _known_language(text))


def is_over_english(question: str, texts: Sequence[str]) -> bool:
    """Tell whether a question is in another language than all of the texts, and most of these are in English."""
    return all(is_across(question, text) for text in texts) and sum(map(is_english, texts)) > len(texts) / 2


def shipped_threshold(embeddings: Sequence[str]) -> float:
    """Give the threshold for embedding models of a collection; 0, which refuses nothing, unless all are known."""
    return float(_shipped()["threshold"]) if all(name in _shipped() for name in embeddings) else 0.0


def _known_language(text: str) -> str:
    found = language(text)
    return "en" if found == "und" else found


def _curve(embedding: str, sign: Sign) -> Curve:
    curves = _curves(embedding)
    if not sign.across and sign.coverage is not None:
        return curves["shared"]
    if sign.late is None:
        return curves["across"]
    if sign.in_english and sign.coverage is not None and "english" in curves:
        return curves["english"]
    return curves.get("parts", curves["across"])


@cache
def _curves(embedding: str) -> dict[str, Curve]:
    curves = _shipped().get(embedding) or _shipped()["other"]
    return {name: Curve(**curve) for name, curve in curves.items()}


@cache
def _shipped() -> dict[str, Any]:
    import tomllib

    return tomllib.loads(files("config").joinpath("gate.toml").read_text("utf-8"))
