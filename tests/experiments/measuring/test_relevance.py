"""Which hits count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.measuring.relevance import counts, first_rank, overlap
from tests.experiments.passages import hit, passage

TEXT = "abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("start", "end", "seen"),
    [
        (0, 26, range(10)),  # the hit holds the excerpt
        (12, 14, range(2, 4)),  # it lies inside
        (5, 14, range(4)),  # it ends in it
        (18, 24, range(8, 10)),  # it begins in it
        (0, 10, range(0)),  # it ends where the excerpt begins
        (20, 26, range(0)),
    ],
)
@pytest.mark.parametrize("located", [True, False])
def test_the_overlap_is_told_in_characters_of_the_excerpt(start: int, end: int, seen: range, *, located: bool) -> None:
    excerpt = passage(TEXT[10:20], 10 if located else None)
    assert list(overlap(hit(TEXT[start:end], start), excerpt)) == list(seen)


def test_another_document_with_the_same_text_does_not_count() -> None:
    assert not counts(hit(TEXT), passage(TEXT, 0, "b.md"))
    assert not counts(hit(TEXT), passage(TEXT, None, "b.md"))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 15, True),  # 5 of the excerpt's 10
        (0, 14, False),  # 4
        (18, 22, True),  # 2 of the hit's 4
        (19, 22, False),  # 1 of 3
        (19, 21, True),  # 1 of 2
    ],
)
def test_half_of_the_shorter_is_enough(start: int, end: int, *, expected: bool) -> None:
    assert counts(hit(TEXT[start:end], start), passage(TEXT[10:20], 10)) is expected


def test_a_hit_without_text_never_counts() -> None:
    assert not counts(hit(""), passage("a"))
    assert not counts(hit(""), passage("a", None))


def test_the_first_hit_that_counts_for_any_passage_decides() -> None:
    hits = [hit("x" * 10, 100), hit("abc", 0, "b.md"), hit(TEXT)]
    assert first_rank(hits, (passage(TEXT), passage("abc", None, "b.md"))) == 2
    assert first_rank(hits, (passage(TEXT),)) == 3
    assert first_rank(hits, (passage("zzz", 50),)) is None


@given(st.text("ab ", max_size=30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(1, 30))
def test_a_search_by_text_finds_at_least_what_the_place_tells(
    text: str, start: int, length: int, at: int, size: int
) -> None:
    found, excerpt = text[start : start + length], text[at : at + size]
    by_place = overlap(hit(found, start), passage(excerpt, at))
    by_text = overlap(hit(found, start), passage(excerpt, None))
    assert len(by_text) >= len(by_place)
    assert len(by_text) <= min(len(found), len(excerpt))
