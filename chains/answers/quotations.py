"""Quotations in a text, and whether a source says them in these words. Pure."""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence

from chains.text.sentences import WIDE, sentences

_MARKS = ("“”", "„“", "„”", "””", "«»", "»«", "‹›", "「」", "『』")
_PAIRS = "|".join(f"{marks[0]}[^{marks}]+{marks[1]}" for marks in _MARKS)
_STRAIGHT = r'(?<![0-9A-Za-z])"(?=\S)[^"]+(?<=\S)"(?![0-9A-Za-z])'
_SINGLE = r"[‘‚](?:[^‘’‚]|’(?=\w))+[’‘](?!\w)"
CODE_SPAN = r"(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"
_QUOTED = re.compile(rf"{CODE_SPAN}|{_PAIRS}|{_STRAIGHT}|{_SINGLE}", re.DOTALL)

_LEAST_WORDS, _LEAST_CHARACTERS, _LEAST_WIDE = 3, 12, 8
_WIDE_CHARACTER = re.compile(f"[{WIDE}]")
_LEFT_OUT = re.compile(r"[\[(]?\.{3,}[\])]?")  # after NFKC has written out the ellipsis
_LETTER = "0-9a-zß-ɏά-ϿЀ-ӿ"  # of scripts that put blanks between words, in small form

_PLAIN = (
    (re.compile(r"^[ \t]*>[> \t]*", re.MULTILINE), ""),
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), ""),
    (re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])"), r"\1"),
    (re.compile(r"\\(?=[^\w\s])"), ""),
    (re.compile(r"[*`]|(?<!\w)_+|_+(?!\w)"), ""),
    (re.compile('["“”„«»‹›「」『』‘’‚]'), "'"),
    (re.compile(r"\s+"), " "),
    (re.compile(f"(?<=[{WIDE},。、]) (?=[{WIDE}])"), ""),
)


def find_quotations(text: str) -> list[tuple[int, int]]:
    """Give the stretches [start:end] between quotation marks of any language, without the marks; not those in code."""
    return [(found.start() + 1, found.end() - 1) for found in _QUOTED.finditer(text) if not found["ticks"]]


def is_long(quotation: str) -> bool:
    """Tell whether it is more than a term: three words and twelve characters, or eight of Chinese or Japanese."""
    words = len(quotation.split()) >= _LEAST_WORDS and len(quotation.strip()) >= _LEAST_CHARACTERS
    return words or len(_WIDE_CHARACTER.findall(quotation)) >= _LEAST_WIDE


def readings(passage: str) -> list[str]:
    """Give the plain text of a passage: as it stands, and as sentences, where rows of tables are sentences too."""
    return [plain(passage), plain(" ".join(sentences(passage)))]


def plain(text: str) -> str:
    """Give the words alone: small letters, even blanks, one kind of quotation mark, no links and no emphasis."""
    text = unicodedata.normalize("NFKC", html.unescape(text))
    for pattern, replacement in _PLAIN:
        text = pattern.sub(replacement, text)
    return text.casefold().strip()


def is_said(quotation: str, texts: Sequence[str]) -> bool:
    """Tell whether one of the plain texts holds a quotation; where it has an ellipsis, its parts in their order."""
    parts = [part for part in map(_bare, _LEFT_OUT.split(plain(quotation))) if part]
    return any(_holds(text, parts) for text in texts)


def _bare(part: str) -> str:
    return part.strip(" .,;:!?'。、-–—")


def _holds(text: str, parts: Sequence[str]) -> bool:
    at = 0
    for part in parts:
        found = next(_places(text, part, at), None)
        if found is None:
            return False
        at = found + len(part)
    return True


def _places(text: str, part: str, start: int) -> Iterator[int]:
    whole_words = rf"(?<![{_LETTER}](?=[{_LETTER}])){re.escape(part)}(?!(?<=[{_LETTER}])[{_LETTER}])"
    return (found.start() for found in re.compile(whole_words).finditer(text, start))
