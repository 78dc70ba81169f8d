"""Passages that say nothing that a better one does not say vanish: copies of a page, repeated notes and answers. Pure.

Two texts that are alike in nearly all words may say the contrary: 2.3 or 2.4, "is" or "is not". So nothing is decided
by a share of common words. A passage goes where each of its lines, and each heading above it, stands word for word in
one that ranks higher; marks of Markdown, letter case and where a paragraph is wrapped do not count.
"""

import re
from collections.abc import Sequence

from chains.schema import Hit, Place

_MARKERS = re.compile(r"^\s*(?:[#>*+-]+\s+)+")
_WORDS = re.compile(r"\w+|[<>=!+%&^~/\\$@#-]")  # with the signs that make another statement, or other code


def without_duplicates(hits: Sequence[Hit]) -> list[Hit]:
    """Keep the hits, best first, that add something to a better one; `also_in` of that one names the others."""
    kept: list[tuple[Hit, str]] = []
    for hit in hits:
        lines = _lines(hit)
        better = next((each for each, text in kept if lines and all(f" {line} " in text for line in lines)), None)
        if better is None:
            kept.append((Hit(**{**hit, "also_in": []}), f" {' '.join(lines)} "))
        else:
            better["also_in"].append(_place(hit))
    return [hit for hit, _ in kept]


def _lines(hit: Hit) -> list[str]:
    """Give the words of each heading and line that has any, one blank between them."""
    lines = (
        _WORDS.findall(_MARKERS.sub("", line).casefold()) for line in [*hit["headings"], *hit["text"].splitlines()]
    )
    return [" ".join(words) for words in lines if words]


def _place(hit: Hit) -> Place:
    return Place(
        root=hit["root"],
        doc=hit["doc"],
        path=hit["path"],
        start=hit["start"],
        end=hit["end"],
        start_line=hit["start_line"],
        end_line=hit["end_line"],
    )
