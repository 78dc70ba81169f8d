"""The numbers in an answer, checked against the passages that were given. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

from chains.schema import Citation, Evidence

_CODE = re.compile(
    r"^(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^(?P=fence)[`~]*[ \t]*$|\Z)|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)",
    re.DOTALL | re.MULTILINE,
)
_MARKER = re.compile(r"\[(\d{1,4}(?:\s*[,;]\s*\d{1,4})*)\](?!\()")


def cited_numbers(answer: str) -> Counter[int]:
    """Count the numbers cited in an answer, in order of first appearance: [1], [1, 3], [2][4].

    Brackets in code are not citations, nor are the texts of links.
    """
    prose = _CODE.sub(" ", answer)
    return Counter(int(number) for marker in _MARKER.findall(prose) for number in re.findall(r"\d+", marker))


def resolve(answer: str, evidence: Sequence[Evidence]) -> tuple[list[Citation], list[int]]:
    """Give the citations that stand for a passage, in order of appearance, and the numbers that stand for none."""
    passages = {passage["n"]: passage for passage in evidence}
    counts = cited_numbers(answer)
    citations = [_cite(passages[n], count) for n, count in counts.items() if n in passages]
    return citations, [n for n in counts if n not in passages]


def _cite(passage: Evidence, count: int) -> Citation:
    return Citation(
        n=passage["n"],
        doc=passage["doc"],
        path=passage["path"],
        slug=passage["slug"],
        start_line=passage["start_line"],
        end_line=passage["end_line"],
        count=count,
    )
