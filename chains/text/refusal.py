"""What is said in the question's language where the documents do not hold the answer, and how to recognise it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from store.language import language
from store.scripts import script

_COLONS = ": \uff1a"
_CITATION = re.compile(r"\[\d[\d\s,;]*\]")


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its English `name`, and what is said in it.

    `refusal`: the documents do not answer the question; `notice`: what follows is not from the documents.
    """

    name: str
    refusal: str
    notice: str


@cache
def languages() -> Mapping[str, Language]:
    """Give the languages of config/languages.toml by their codes."""
    import tomllib

    table = tomllib.loads(files("config").joinpath("languages.toml").read_text("utf-8"))
    return {code: Language(**entry) for code, entry in table.items()}


def question_language(question: str) -> Language | None:
    """Give the language of a question; None where nothing tells it, or where there are no sentences in it."""
    code = language(question)
    return languages().get("zh-hant" if code == "zh" and _is_traditional(question) else code)


def in_language_of(question: str) -> Language:
    """Give the language to speak to who asks: the question's, or English."""
    return question_language(question) or languages()["en"]


def _is_traditional(text: str) -> bool:
    """Tell by the character sets of Taiwan (Big5) and of mainland China (GB 2312)."""
    characters = "".join(character for character in text if script(character) == "han")
    return _has(characters, "big5") and not _has(characters, "gb2312")


def _has(characters: str, encoding: str) -> bool:
    try:
        characters.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def is_refusal(answer: str, refusal: str) -> bool:
    """Tell whether an answer is the refusal that was asked for, or that of any language, and nothing else.

    Models put it in bold or in quotes, leave its full stop out, or cite passages after it: only letters count.
    """
    said = _letters(answer)
    return said != "" and said in {
        _letters(sentence) for sentence in (refusal, *(each.refusal for each in languages().values()))
    }


def begins_with_notice(answer: str) -> bool:
    """Tell whether the first line of an answer says, in any language, that it is not from the documents."""
    return notice_end(answer) is not None


def notice_end(answer: str) -> int | None:
    """Give the place behind the notice and the blanks after it, where an answer begins with one."""
    found = _notices().match(answer)
    return found.end() if found else None


def notice_start(answer: str) -> int | None:
    """Give the place of the first line that begins with a notice, wherever in the answer it stands."""
    found = _notices().search(answer)
    return found.start() if found else None


@cache
def _notices() -> re.Pattern[str]:
    """Any notice at the beginning of a line, in bold or in a quote if need be."""
    sentences = (each.notice.rstrip(_COLONS) for each in languages().values())
    words = "|".join(r"\s+".join(map(re.escape, sentence.split())) for sentence in sentences)
    return re.compile(rf"^[\s>*_#]*(?:{words})[\s*_]*[:\uff1a][\s*_]*", re.IGNORECASE | re.MULTILINE)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, _CITATION.sub("", text))).casefold()
