"""Passages that say nothing that a better one does not say vanish: copies of a page, repeated notes and answers. Pure.

Two texts that are alike in nearly all words may say the contrary: 2.3 or 2.4, "is" or "is not". So nothing is decided
by a share of common words. A passage goes where each of its sentences, and each heading above it, stands word for word
in one that ranks higher; marks of Markdown and punctuation do not count.
"""

import re
from collections.abc import Sequence

from chains.schema import Hit, Place

_ENDS = re.compile(r"[\n\r]+|(?<=[.!?])\s+|(?<=[。！？])")
_MARKERS = re.compile(r"^\s*(?:[#>*+-]+\s+)+")
_WORDS = re.compile(r"\w+|[<>=!+%&^~/\\$@#-]")  # with the signs that make another statement, or other code


def without_duplicates(hits: Sequence[Hit]) -> list[Hit]:
    """Keep the hits, best first, that add something to a better one; `also_in` of that one names the others."""
    kept: list[tuple[Hit, set[str]]] = []
    for hit in hits:
        says = _sentences(hit)
        better = next((each for each, said in kept if says and says <= said), None)
        if better is None:
            kept.append((Hit(**{**hit, "also_in": []}), says))
        else:
            better["also_in"].append(_place(hit))
    return [hit for hit, _ in kept]


def _sentences(hit: Hit) -> set[str]:
    """Give the words of each heading and sentence that has any, one blank between them; a line ends a sentence too."""
    parts = [*hit["headings"], *_ENDS.split(hit["text"])]
    sentences = (_WORDS.findall(_MARKERS.sub("", part)) for part in parts)
    return {" ".join(words) for words in sentences if words}


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
