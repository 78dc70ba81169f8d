import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.retrieval.duplicates import without_duplicates
from chains.schema import Hit
from tests.chains.prompting.test_context import evidence

ANSWER = "## How do I reset it?\n\nHold the *red* button for 10 seconds. The `light` is then\nnot blinking any more.\n"


def kept(*hits: Hit) -> list[str]:
    return [hit["doc"] for hit in without_duplicates(hits)]


@pytest.mark.parametrize(
    "copy",
    [
        ANSWER,
        ANSWER.replace("\n", "\r\n"),
        "# How do I reset it\n",
        "- Hold the **red** button for `10` seconds. The light is then",
        "> The `light` is then",
        "Hold the red button for 10 seconds.",
    ],
)
def test_what_a_better_passage_says_too_vanishes(copy: str) -> None:
    first, second = evidence(ANSWER, doc="a.md"), evidence(copy, doc="b.md", start_line=7, end_line=9)

    (hit,) = without_duplicates([first, second])

    assert hit["doc"] == "a.md"
    assert [(place["doc"], place["start_line"], place["end_line"]) for place in hit["also_in"]] == [("b.md", 7, 9)]
    assert "text" not in hit["also_in"][0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("10", "11"),
        ("not blinking", "blinking"),
        ("blinking", "not blinking"),
        ("`light`", "`light_2`"),
        ("red", "green"),
        ("`light`", "`Light`"),
        ("for 10", "for <10"),
        ("for 10", "for -10"),
        ("any more.", "any more.\n\nThen wait."),
        (". The", ", the"),
    ],
)
def test_what_says_something_else_stays(old: str, new: str) -> None:
    assert kept(evidence(ANSWER, doc="a.md"), evidence(ANSWER.replace(old, new), doc="b.md")) == ["a.md", "b.md"]


def test_the_same_text_under_another_heading_says_something_else() -> None:
    hits = [evidence("Default: none.", doc=heading, headings=["API", heading]) for heading in ("v2.3", "v2.4")]
    assert kept(*hits) == ["v2.3", "v2.4"]


def test_a_longer_passage_behind_a_shorter_one_stays() -> None:
    assert kept(evidence("One.", doc="a.md"), evidence("One.\nTwo.", doc="b.md")) == ["a.md", "b.md"]


def test_pictures_alone_are_never_duplicates() -> None:
    assert kept(evidence("***", doc="a.md", headings=[]), evidence("...", doc="b.md", headings=[])) == ["a.md", "b.md"]


_PASSAGES = st.lists(st.lists(st.sampled_from(["one", "two 2", "three 3"]), min_size=1, max_size=3).map("\n".join))


@given(_PASSAGES)
def test_nothing_that_was_said_is_lost(texts: list[str]) -> None:
    hits: list[Hit] = [evidence(text, doc=str(n)) for n, text in enumerate(texts)]

    left = without_duplicates(hits)

    assert {line for text in texts for line in text.split("\n")} == {
        line for hit in left for line in hit["text"].split("\n")
    }
    places = [hit["doc"] for hit in left] + [place["doc"] for hit in left for place in hit["also_in"]]
    assert sorted(places) == sorted(hit["doc"] for hit in hits)
    assert [hit["doc"] for hit in left] == sorted((hit["doc"] for hit in left), key=int)
    assert all(hit["also_in"] == [] for hit in hits)
    assert without_duplicates(left) == [{**hit, "also_in": []} for hit in left]
