"""Texts to terms for the keyword search: one analysis for chunks and questions, the same on every kind of Milvus."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

from store.function_words import FUNCTION_WORDS
from store.language import languages_by_script
from store.scripts import script
from store.stems import stem

ANALYZER_PARAMS = {"tokenizer": "standard"}
"""What the BM25 field is to be declared with: Milvus Lite and servers have it, and leave terms as they are."""

_MARKS, _TANGUT = 0x0780, 0x17000  # where vowel signs begin; a block of 6,136 letters hardly ever used
_PAIRS = (
    "\u1100-\u11ff\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_TRIPLES = "".join(
    f"{chr(first + shift)}-{chr(last + shift)}"
    for first, last in ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))
    for shift in (0, _TANGUT - _MARKS)
)
_LETTER = rf"[^\W_{_PAIRS}{_TRIPLES}]"
_UNITS = re.compile(
    rf"(?!(?<!\w)[A-Za-z](?:\+\+|\#)(?!\w))({_LETTER}+(?:(?:[.-]|_+){_LETTER}+)*)(?:['’](?:d|ll|m|re|s|t|ve)(?!\w))?"
    rf"|((?:(?!\W)[{_PAIRS}])+)"
    rf"|((?:(?!\W)[{_TRIPLES}])+)"
    r"|([A-Za-z](?:\+\+|\#))"
)
_NUMBERS = re.compile(r"[vV]?(\d+(?:[._-]\d+)*)(?![^\W_])")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[._-]+(?=\d)")
_POINT = "ꞏ"  # a letter to Unicode: 2.41 and 24.1 are not the same
_JOINTS = re.compile(r"[._-]+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})|(?<=[A-Za-z]{3})(?=[0-9])")
_HIRAGANA = re.compile(r"[ぁ-ゖ]+")
_PAIR_STOPS = FUNCTION_WORDS["zh"] | FUNCTION_WORDS["ko"]
_SIGNS = {"++": "plusplus", "#": "sharp"}
_LONGEST_NAME, _LONGEST_TERM = 200, 64


def analyse(text: str) -> str:
    """Give the terms of a text, each as often as it occurs, with single blanks between them.

    A term consists of letters and digits in small form alone. A word is there as its stem, without accents and
    function words; a name like `MilvusClient`, `snake_case` or `etcd-0.log` as a whole, joints left out, and in its
    parts; a version with what it begins with (`2`, `2ꞏ4`, `2ꞏ4ꞏ1`). Chinese, Japanese and Korean come in pairs of
    characters, languages of South East Asia that write without blanks in threes. A text of function words alone keeps
    them; only one without letters and digits has no terms.
    """
    plain = _plain(text)
    return " ".join(_terms(plain, languages_by_script(text))) or " ".join(_terms(plain, {}))


def _terms(text: str, languages: Mapping[str, str]) -> Iterator[str]:
    """Give terms, and where `languages` is empty the stop words and inflections too."""
    for name, pairs, triples, sign in _UNITS.findall(text):
        if name:
            language = languages.get("latin" if name.isascii() else script(name[0]), "")
            yield from _name_terms(name, language) if len(name) <= _LONGEST_NAME else _parts(name)
        elif pairs:
            yield from (pair for pair in _grams(pairs, 2) if not languages or not _is_grammar(pair))
        elif triples:
            yield from _grams(triples, 3)
        else:
            yield sign[0].lower() + _SIGNS[sign[1:]]


@lru_cache(maxsize=65536)
def _name_terms(name: str, language: str) -> tuple[str, ...]:
    """Take a name apart: at dots, then at other joints, then where capitals and digits begin."""
    if numbers := _NUMBERS.match(name):
        digits = _JOINTS.split(numbers[1])
        starts = [_POINT.join(digits[:count]) for count in range(1, len(digits) + 1)]
        rest = name[numbers.end() :].lstrip("._-")
        whole = _whole(name, language) if rest or name[0] in "vV" else ()
        return (*starts, *whole, *(_name_terms(rest, language) if rest else ()))
    for parts in (name.split("."), _JOINTS.split(name), _HUMPS.split(name)):
        if len(parts) > 1:
            return (*_whole(name, language), *(term for part in parts for term in _name_terms(part, language)))
    return _word_terms(name, language)


def _word_terms(word: str, language: str) -> tuple[str, ...]:
    """Give the stem of a word, and its English stem too: names and technical terms are English in any language."""
    folded = word.casefold()
    in_capitals = len(word) > 1 and word.isupper()  # IT, NOT, WHO
    if folded in FUNCTION_WORDS.get(language, ()) and not in_capitals:
        return ()
    return _stems(folded, language)


def _stems(folded: str, language: str) -> tuple[str, ...]:
    letters = folded if folded.isascii() else folded.translate(_SPOKEN)
    stems = [stem(letters, language)]
    if language not in {"", "en"} and script(letters[0]) == "latin":
        stems.append(stem(letters, "en"))
    return tuple(dict.fromkeys(_bare(found.translate(_PLAIN))[:_LONGEST_TERM] for found in stems))


def _parts(name: str) -> Iterator[str]:
    """Give the parts of what is too long for a name: an encoded file, a table without blanks."""
    return (_bare(part.casefold())[:_LONGEST_TERM] for part in _JOINTS.split(name))


def _whole(name: str, language: str) -> tuple[str, ...]:
    return _stems(_JOINTS.sub("", _BETWEEN_DIGITS.sub(_POINT, name)).casefold(), language)


def _grams(run: str, size: int) -> Iterator[str]:
    return (run[at : at + size] for at in range(max(1, len(run) - size + 1)))


def _is_grammar(pair: str) -> bool:
    return pair in _PAIR_STOPS or _HIRAGANA.fullmatch(pair) is not None


def _bare(word: str) -> str:
    """Leave accents out: people type without them."""
    if word.isascii():
        return word
    letters = unicodedata.normalize("NFKD", word)
    return unicodedata.normalize("NFC", "".join(c for c in letters if c.isalnum())).lower()


class _Plain(dict[int, str | None]):
    """What `str.translate` makes of a character; filled as characters are met."""

    def __missing__(self, code: int) -> str | None:
        self[code] = plain = _plain_character(chr(code))
        return plain


_PLAIN = _Plain()
_SPOKEN = {
    mark - _MARKS + _TANGUT: mark for mark in range(_MARKS, 0x1AB0) if unicodedata.category(chr(mark)) in {"Mn", "Mc"}
}


def _plain(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_PLAIN)


def _plain_character(character: str) -> str | None:
    """Digits become ASCII digits; marks without which a word would be another one become letters, the others vanish.

    Tokenizers break words at the vowel signs of Indic scripts: each is moved to a letter of its own.
    """
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category in {"Mn", "Mc"} and _MARKS <= ord(character) < 0x1AB0:
        return chr(ord(character) - _MARKS + _TANGUT)
    if category in {"Mn", "Mc", "Me", "Cf"}:
        return None
    return character
