from random import Random

from hypothesis import given
from hypothesis import strategies as st

from chains.retrieval.widen import unread, widen
from store.rows import Row


def rows_of(texts: list[str], sections: list[int] | None = None, gap: str = "\n\n") -> list[Row]:
    """Rows of one file whose chunks are these texts with gaps between."""
    sections = sections or [0] * len(texts)
    starts = [sum(map(len, texts[:n])) + n * len(gap) for n in range(len(texts))]
    spans: dict[int, tuple[int, int]] = {}
    for section, start, text in zip(sections, starts, texts, strict=True):
        spans[section] = (spans.get(section, (start, 0))[0], start + len(text))
    made: list[Row] = []
    at = 0
    for n, text in enumerate(texts):
        near = [str(other) for other in range(len(texts)) if sections[other] == sections[n]]
        made.append(
            Row(
                id=str(n),
                root="r",
                doc="a.md",
                text=text,
                ordinal=n,
                file_hash="",
                embed_hash="",
                start=at,
                end=at + len(text),
                start_line=n,
                end_line=n,
                headings=[],
                slug="",
                section_start=spans[sections[n]][0],
                section_end=spans[sections[n]][1],
                gap=gap,
                near=near,
                front_matter={},
            )
        )
        at += len(text) + len(gap)
    return made


def near(rows: list[Row]) -> dict[str, Row]:
    return {row["id"]: row for row in rows}


def alike(rows: list[Row]) -> dict[str, float]:
    return {row["id"]: 1.0 for row in rows}


def test_a_chunk_grows_within_its_section_and_limit() -> None:
    rows = rows_of([letter * 4 for letter in "abcdefgh"], [0] * 6 + [1, 1])

    (passage,) = widen([rows[1]], near(rows), {"1": 1.0}, 100)
    (short,) = widen([rows[1]], near(rows), {"1": 1.0}, 10)
    (alone,) = widen([rows[1]], near(rows), {"1": 1.0}, 0)

    assert passage.text == "aaaa\n\nbbbb\n\ncccc\n\ndddd\n\neeee\n\nffff"
    assert passage.found == "1"
    assert short.text == "bbbb\n\ncccc"
    assert alone.text == "bbbb"


def test_the_best_takes_its_section_whole_if_it_is_not_much_longer_than_a_passage() -> None:
    rows = rows_of([letter * 4 for letter in "abcdefgh"], [0] * 4 + [1] * 4)
    whole = ["aaaa\n\nbbbb\n\ncccc\n\ndddd", "eeee\n\nffff\n\ngggg\n\nhhhh"]

    assert [passage.text for passage in widen([rows[1], rows[6]], near(rows), alike(rows), 8)] == [whole[0], "gggg"]
    assert [passage.text for passage in widen([rows[6], rows[1]], near(rows), alike(rows), 8)] == [whole[1], "bbbb"]
    assert [passage.text for passage in widen([rows[1]], near(rows), alike(rows), 7)] == ["bbbb"]


def test_chunks_of_one_passage_are_given_once_where_the_best_stood() -> None:
    rows = rows_of(["aaaa", "bbbb", "cccc", "dddd"], [0, 0, 1, 1])

    passages = widen([rows[3], rows[0], rows[1], rows[2]], near(rows), alike(rows), 100)

    assert [passage.text for passage in passages] == ["cccc\n\ndddd", "aaaa\n\nbbbb"]


def test_all_but_the_best_grow_half_as_far_into_what_does_not_suit() -> None:
    rows = rows_of(
        ["best", *(letter * 4 for letter in "abcde"), *(letter * 4 for letter in "vwxyz")], [0] + [1] * 5 + [2] * 5
    )
    scores = {"0": 1.0, "1": 0.8, "2": 0.39, "6": 0.7, "7": 0.36, "8": 0.35, "9": 0.34}

    passages = widen([rows[0], rows[1], rows[6]], near(rows), scores, 24)

    assert [passage.text for passage in passages] == ["best", "aaaa\n\nbbbb", "vvvv\n\nwwww\n\nxxxx"]


def test_a_neighbour_that_is_missing_ends_the_passage() -> None:
    rows = rows_of(["aaaa", "bbbb", "cccc"])
    without = {id_: row for id_, row in near(rows).items() if id_ != "1"}

    (passage,) = widen([rows[0]], without, alike(rows), 100)

    assert passage.text == "aaaa"


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=12),
    order=st.randoms(use_true_random=False),
    limit=st.integers(0, 120),
)
def test_passages_are_slices_that_do_not_overlap_and_hold_all_that_was_found(
    lengths: list[int], order: Random, limit: int
) -> None:
    texts = [chr(97 + n) * length for n, length in enumerate(lengths)]
    rows = rows_of(texts, [n // 4 for n in range(len(texts))])
    source = "\n\n".join(texts)
    found = [row for row in rows if order.random() < 0.6]
    order.shuffle(found)
    scores = {row["id"]: order.random() for row in rows if row in found or order.random() < 0.3}

    passages = widen(found, near(rows), scores, limit)

    assert all(p.text == source[p.rows[0]["start"] : p.rows[-1]["end"]] for p in passages)
    ids = [row["id"] for passage in passages for row in passage.rows]
    assert len(ids) == len(set(ids))
    assert {row["id"] for row in found} <= set(ids)
    assert all(len(p.text) <= limit or len(p.rows) == 1 for p in passages[1:])
    for best in passages[:1]:
        section = [row for row in rows if row["section_start"] == best.rows[0]["section_start"]]
        assert len(best.text) <= limit or len(best.rows) == 1 or list(best.rows) == section
        assert len(best.text) <= 3 * limit or len(best.rows) == 1
    assert all(len({row["section_start"] for row in p.rows}) == 1 for p in passages)


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=12),
    order=st.randoms(use_true_random=False),
    limit=st.integers(0, 120),
)
def test_what_is_left_unread_changes_no_passage(lengths: list[int], order: Random, limit: int) -> None:
    texts = [chr(97 + n) * length for n, length in enumerate(lengths)]
    rows = rows_of(texts, [n // 6 for n in range(len(texts))])
    stored = {row["id"]: row for row in rows if order.random() < 0.9}
    found = [row for row in stored.values() if order.random() < 0.4]
    order.shuffle(found)
    scores = {row["id"]: order.random() for row in rows}

    read: dict[str, Row | None] = {row["id"]: row for row in found}
    while wanted := set(unread(found, read, limit)):
        assert not wanted & read.keys()
        read |= {id_: stored.get(id_) for id_ in wanted}

    known = {id_: row for id_, row in read.items() if row}
    assert widen(found, known, scores, limit) == widen(found, stored, scores, limit)


def test_what_is_too_far_off_for_a_passage_is_not_read() -> None:
    rows = rows_of([letter * 10 for letter in "abcdefghi"], gap="")
    read: dict[str, Row | None] = {"4": rows[4]}

    first = list(unread([rows[4]], read, 20))
    read |= {id_: rows[int(id_)] for id_ in first}

    assert first == ["5", "6", "3", "2"]
    assert list(unread([rows[4]], read, 20)) == []
