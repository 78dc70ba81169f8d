"""Retrieve small, read whole: chunks that were found grow into passages of their section. Pure.

A chunk that answers a question often leans on the lines beside it. So each grows by its neighbours, as long as they are
of the same section and the passage stays short. The best chunk grows as far as it may, into its whole section if that
is not much longer, and so does every other into neighbours that suit the question too; into those that do not, half as
far: what is less likely to hold the answer leaves room for more of its like. Chunks that fall into the same passage are
given once, where the best stood.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from store.rows import Row

SUITS = 0.5
"""A neighbour suits the question if its score reaches this part of the chunk's own."""

WHOLE = 3
"""The best chunk takes its section whole if that is at most so many times as long as a passage may be."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Neighbouring rows of one section, in their order, and the id of the row that was found first."""

    rows: tuple[Row, ...]
    found: str

    @property
    def text(self) -> str:
        """The exact slice of the file: the rows with what stands between them."""
        return "".join(row["text"] + row["gap"] for row in self.rows[:-1]) + self.rows[-1]["text"]

    def __len__(self) -> int:
        """The characters of `text`."""
        return self.rows[-1]["end"] - self.rows[0]["start"]


def widen(found: Sequence[Row], near: Mapping[str, Row], scores: Mapping[str, float], limit: int) -> list[Passage]:
    """Grow rows, best first, into passages of at most `limit` characters, unless one row alone is longer.

    The first may be WHOLE times as long, where it is its whole section.

    `near` holds the rows that `found` name as their neighbours; what it lacks ends a passage. `scores` holds what suits
    the question, by id, and the rows of `found` at least.
    """
    passages: list[Passage] = []
    taken: set[str] = set()
    rows = {**near, **{row["id"]: row for row in found}}
    for row in found:
        if row["id"] not in taken:
            least = SUITS * scores[row["id"]]
            suiting = {id_: rows[id_] for id_ in row["near"] if id_ in rows and scores.get(id_, -inf) >= least}
            any_limit = limit // 2 if passages else _whole(row, limit)
            passage = max(_grow(row, suiting, taken, limit), _grow(row, rows, taken, any_limit), key=len)
            passages.append(passage)
            taken.update(each["id"] for each in passage.rows)
    return passages


def unread(found: Sequence[Row], read: Mapping[str, Row | None], limit: int) -> Iterator[str]:
    """Give neighbours into which `widen` may grow rows, best first, and that are not in `read`.

    They are taken for half as long as the row. What is read tells where it ends, so more may fit: ask until there are
    none. Where `read` holds None, a neighbour is gone.
    """
    for row in found:
        yield from _unread_beside(row, read, _whole(row, limit) if row is found[0] else limit)


def _unread_beside(row: Row, read: Mapping[str, Row | None], limit: int) -> Iterator[str]:
    at = row["near"].index(row["id"])
    for side in (row["near"][at + 1 :], row["near"][:at][::-1]):
        length = len(row["text"])
        for id_ in side:
            neighbour = read.get(id_)
            if length >= limit or (id_ in read and not neighbour):
                break
            if neighbour:
                length = max(row["end"], neighbour["end"]) - min(row["start"], neighbour["start"])
            else:
                length += len(row["text"]) // 2 + 1
                yield id_


def _whole(row: Row, limit: int) -> int:
    """Give the length of the row's section if the best may have it whole, or else the limit."""
    length = row["section_end"] - row["section_start"]
    return length if limit < length <= WHOLE * limit else limit


def _grow(row: Row, rows: Mapping[str, Row], taken: set[str], limit: int) -> Passage:
    """Take neighbours from both sides in turn, the next before the previous: text explains itself downwards."""
    section = [rows[id_] for id_ in row["near"] if id_ in rows]
    at = next(i for i, each in enumerate(section) if each["id"] == row["id"])
    first = last = at
    growing = {+1, -1}
    while growing:
        for step in (+1, -1):
            if step not in growing:
                continue
            reach = (first, last + 1) if step > 0 else (first - 1, last)
            if _fits(section, reach, taken, limit):
                first, last = reach
            else:
                growing.discard(step)
    return Passage(tuple(section[first : last + 1]), row["id"])


def _fits(section: Sequence[Row], reach: tuple[int, int], taken: set[str], limit: int) -> bool:
    first, last = reach
    if first < 0 or last >= len(section):
        return False
    new = section[first : last + 1]
    follows = all(one["ordinal"] + 1 == other["ordinal"] for one, other in pairwise(new))
    return follows and not taken & {row["id"] for row in new} and new[-1]["end"] - new[0]["start"] <= limit
