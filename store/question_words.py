"""The words of a question, to be looked up one by one in a dictionary. Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from store.function_words import FUNCTION_WORDS
from store.language import language, main_script
from store.scripts import script

_WITHOUT_BLANKS = {"han", "kana", "thai", "lao", "khmer", "myanmar"}
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_CODE = re.compile(r"\w*[\d_]\w*|\w+[A-Z]\w*")
_HIRAGANA = re.compile(r"[ぁ-ゖー]+")


class Word(NamedTuple):
    """A word as it stands; `is_name` says that it is the same in any language."""

    text: str
    is_name: bool


def question_words(question: str, token_starts: Callable[[str], Sequence[int]]) -> Iterator[Word]:
    """Give the words of a question but for function words and single letters.

    Names are what looks like code (`HNSW`, `MilvusClient`, `max_tokens`), words in Latin letters among others, and, but
    for German, those with a capital behind the first word. Words without blanks between them are divided at tokens.
    """
    code = language(question)
    function_words = FUNCTION_WORDS.get(code, frozenset())
    among_others = main_script(question) != "latin"
    for number, run in enumerate(_runs(unicodedata.normalize("NFKC", question))):
        kind = script(run[0]) or "latin"
        is_capital = number > 0 and code != "de" and run[0].isupper()
        is_name = kind == "latin" and (among_others or is_capital or _CODE.fullmatch(run) is not None)
        for word in _pieces(run, token_starts(run)) if kind in _WITHOUT_BLANKS else [run]:
            if len(word) > 1 and word.casefold() not in function_words:
                yield Word(word, is_name)


def _runs(text: str) -> Iterator[str]:
    """Give what stands between blanks and marks, divided where Latin letters and others meet.

    Of what an apostrophe joins the longest part carries the meaning: `l'index`, `Milvus'un`.
    """
    for found in _WORD.findall(text):
        word = max(re.split("['’]", found), key=len)
        for _, characters in groupby(word, key=lambda character: script(character) in {"", "latin"}):
            yield "".join(characters)


def _pieces(run: str, starts: Sequence[int]) -> Iterator[str]:
    """Divide at tokens, and join in twos those of one character: hardly any is a word by itself.

    What is written in hiragana alone is grammar.
    """
    pieces = [run[first:last] for first, last in pairwise([*starts, len(run)])]
    for single, group in groupby(pieces, key=lambda piece: len(piece) == 1):
        divided = list(group)
        words = re.findall("..?", "".join(divided)) if single else divided
        yield from (word for word in words if not _HIRAGANA.fullmatch(word))
