"""Tokens of models whose tokenizer is not at hand, estimated from the text alone."""

import re
from collections.abc import Sequence

# Scripts written without spaces: nearly every character is a token.
_SYLLABLES = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1100-\u11ff\uac00-\ud7ff"  # Hangul
    "\u3040-\u30ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
_TOKEN = re.compile(rf"[A-Za-z]{{1,4}}|[0-9]{{1,3}}|[^\W\d_A-Za-z{_SYLLABLES}]{{1,2}}|\S")


def approximate_token_starts(text: str) -> Sequence[int]:
    """Where tokens start, in characters, ascending: rather too many than too few.

    Latin words count in pieces of 4 letters, numbers of 3 digits, other alphabets of 2 letters; every syllable,
    ideograph, mark and sign counts by itself, blanks not at all.
    """
    return [match.start() for match in _TOKEN.finditer(text)]
