"""The sentence of a passage that supports a statement best. Pure."""

import math
from collections import Counter
from collections.abc import Iterator

from chains.schema import Evidence, Quote
from chains.text.blocks import blocks
from chains.text.sentences import sentence_spans
from store.lexical import analyse


def best_quote(statement: str, passage: Evidence) -> Quote | None:
    """Find the sentence, row or line of code that holds most of a statement's terms; rare ones weigh more.

    Of equals the one with the fewest other terms wins, then the first. None where no term is shared: statement and
    passage may be in two languages.
    """
    text = passage["text"]
    units = list(_units(text))
    held = [set(analyse(text[start:end]).split()) for start, end in units]
    frequency = Counter(term for terms in held for term in terms)
    wanted = set(analyse(statement).split())

    def score(at: int) -> tuple[float, int]:
        shared = held[at] & wanted
        return sum(math.log(1 + len(units) / frequency[term]) for term in shared), -len(held[at])

    best = max(range(len(units)), key=score, default=None)
    if best is None or not held[best] & wanted:
        return None
    return _quote(passage, *units[best])


def _units(text: str) -> Iterator[tuple[int, int]]:
    for block in blocks(text):
        if block.kind in {"row", "code"}:
            yield block.start, block.end
        elif block.kind not in {"heading", "head"}:
            for start, end in sentence_spans(text[block.start : block.end]):
                yield block.start + start, block.start + len(text[block.start : block.start + end].rstrip())


def _quote(passage: Evidence, start: int, end: int) -> Quote:
    line = passage["start_line"] + _line_ends(passage["text"][:start])
    return Quote(
        text=passage["text"][start:end],
        start=passage["start"] + start,
        end=passage["start"] + end,
        start_line=line,
        end_line=line + _line_ends(passage["text"][start:end]),
    )


def _line_ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")
