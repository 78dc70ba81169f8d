"""Words of any script as comparable terms, for matching without a language model."""

import re

_WIDE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"  # kana, Han, Hangul
_RUN = re.compile(f"([{_WIDE}]+)|((?:(?![{_WIDE}])[^\\W_])+)")
_ENDING = re.compile(
    r"(?:ings?|ed|es|e?n|er|[se]"  # English and German
    r"|[аяи]ми|[ое]в|ей|[аяое][мх]|ы[йхе]|[ыиаяоеуюйь])$"  # Russian
)
_STOP_WORDS = frozenset(
    """a about after all also am an and any are as at be been before being but by can could did do does doing for from
    had has have having he her here his how i if in into is it its just may me might more most much must my no not of
    off on once one only or other our out over own she should so some such than that the their them then there these
    they this those through to too under until up use used using very was we were what when where which while who whom
    whose why will with would you your""".split()  # noqa: SIM905 - words read better than a column of strings
)


def terms(text: str) -> list[str]:
    """Give the terms of a text: words in folded case without English stop words and without their inflection.

    Chinese, Japanese and Korean runs become pairs of characters. Endings are cut crudely: two forms of a word meet
    in one term, and now and then two words do.
    """
    found: list[str] = []
    for wide, word in _RUN.findall(text.casefold()):
        if wide:
            found += [wide[i : i + 2] for i in range(max(1, len(wide) - 1))]
        elif word not in _STOP_WORDS:
            found.append(_stem(word))
    return found


def _stem(word: str) -> str:
    stem = _ENDING.sub("", word)
    return (stem if len(stem) >= 3 else word)[:7]
