import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.citations import cited_numbers, resolve
from tests.chains.test_context import evidence

FENCE = "```"


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        ("Yes [1].", [1]),
        ("Yes [1, 3]. No [2][4]. [1]", [1, 3, 2, 4]),
        ("Yes [1;2] and [ 3 ].", [1, 2]),
        ("No citation: [a], [], [1.5], array[x], [99999].", []),
        ("A link [1](http://x) and a footnote [^1].", []),
        (f"Code:\n{FENCE}\nx[1]\n{FENCE}\nand `y[2]` and ``z ` [3]`` but [4]", [4]),
        (f"An open fence:\n{FENCE}python\nx[1]\n", []),
        ("~~~\n[1]\n~~~\n[2]", [2]),
        ("A lone ` does not hide [1].", [1]),
    ],
)
def test_numbers_are_found_where_they_are_citations(answer: str, numbers: list[int]) -> None:
    assert list(cited_numbers(answer)) == numbers


def test_citations_are_resolved_to_places_in_order_of_appearance() -> None:
    passages = [evidence("One."), evidence("Two.", n=2, doc="b.md", slug="s", start_line=7, end_line=8)]

    citations, unknown = resolve("B [2]. A [1]. B again [2]. Forged [7].", passages)

    assert [(c["n"], c["doc"], c["slug"], c["start_line"], c["end_line"], c["count"]) for c in citations] == [
        (2, "b.md", "s", 7, 8, 2),
        (1, "a.md", "b", 3, 9, 1),
    ]
    assert unknown == [7]


@given(st.text(alphabet="[]0123,;` ~\nab"))
def test_every_number_is_either_a_passage_or_unknown(answer: str) -> None:
    citations, unknown = resolve(answer, [evidence("One."), evidence("Two.", n=2)])

    assert {c["n"] for c in citations} | set(unknown) == set(cited_numbers(answer))
    assert {c["n"] for c in citations} <= {1, 2}
    assert not set(unknown) & {1, 2}
