"""The script that a character is written in, for the scripts that text analysis treats each in their own way."""

from bisect import bisect
from functools import lru_cache

_RANGES = sorted(
    (int(first, 16), int(last, 16), name)
    for name, ranges in {
        "latin": "41-5A 61-7A AA-AA BA-BA C0-24F 1E00-1EFF 2C60-2C7F A720-A7FF",
        "greek": "370-3FF 1F00-1FFF",
        "cyrillic": "400-52F 1C80-1C8F",
        "armenian": "531-58F",
        "hebrew": "5D0-5F4",
        "arabic": "620-6FF 750-77F 8A0-8FF",
        "devanagari": "900-97F",
        "bengali": "980-9FF",
        "gurmukhi": "A00-A7F",
        "gujarati": "A80-AFF",
        "tamil": "B80-BFF",
        "telugu": "C00-C7F",
        "kannada": "C80-CFF",
        "malayalam": "D00-D7F",
        "sinhala": "D80-DFF",
        "thai": "E00-E7F",
        "lao": "E80-EFF",
        "tibetan": "F00-FFF",
        "myanmar": "1000-109F",
        "georgian": "10A0-10FF 1C90-1CBF",
        "ethiopic": "1200-139F",
        "khmer": "1780-17FF",
        "hangul": "1100-11FF 3130-318F AC00-D7AF",
        "kana": "3041-30FF 31F0-31FF",
        "han": "3005-3007 3400-4DBF 4E00-9FFF F900-FAFF 20000-3FFFF",
    }.items()
    for first, last in (span.split("-") for span in ranges.split())
)
_FIRSTS = [first for first, _, _ in _RANGES]


@lru_cache(maxsize=4096)
def script(character: str) -> str:
    """Give the script of one character in composed form, in small letters; empty for digits, signs and rare scripts."""
    code = ord(character)
    at = bisect(_FIRSTS, code) - 1
    if at < 0 or code > _RANGES[at][1]:
        return ""
    return _RANGES[at][2]
