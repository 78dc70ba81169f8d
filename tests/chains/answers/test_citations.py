import re

from hypothesis import given
from hypothesis import strategies as st

from chains.answers.citations import Marker, Renumbering
from tests.chains.answers.test_markers import MARKDOWN, numbers


def write(*pieces: str, passages: int = 3) -> Renumbering:
    written = Renumbering(range(1, passages + 1))
    shown = [written.feed(piece) for piece in pieces]
    assert "".join([*shown, written.end()]) == written.text
    return written


def test_numbers_are_given_anew_in_the_order_of_their_appearance() -> None:
    written = write("B [3]. A [1]. B again [3], both [1; 3].")

    assert written.text == "B [1]. A [2]. B again [1], both [2, 1]."
    assert written.cited == [3, 1]
    assert written.unknown == []


def test_a_number_that_was_made_up_is_marked() -> None:
    written = write("Forged [7]. Mixed [9, 2]. Again [7].")

    assert written.text == "Forged [7?]. Mixed [9?, 1]. Again [7?]."
    assert (written.cited, written.unknown) == ([2], [7, 9])


def test_all_forms_are_written_alike() -> None:
    assert write("【2】［1］[^3] [1-3]").text == "[1][2][3] [2, 1, 3]"


def test_markers_know_their_place_in_the_answer() -> None:
    written = write("A [", "3", "], B 【1】 and [7].")

    assert written.markers == [Marker(2, 5, (1,)), Marker(9, 12, (2,)), Marker(17, 21, ())]
    assert [written.text[marker.start : marker.end] for marker in written.markers] == ["[1]", "[2]", "[7?]"]


@given(MARKDOWN, st.sets(st.integers(1, 12)))
def test_renumbering_is_a_bijection(text: str, passages: set[int]) -> None:
    written = Renumbering(passages)
    shown = written.feed(text) + written.end()

    found = list(dict.fromkeys(numbers(text)))
    assert written.cited == [n for n in found if n in passages]
    assert written.unknown == [n for n in found if n not in passages]
    back = dict(enumerate(written.cited, 1))
    read = [
        int(number[:-1]) if number.endswith("?") else back[int(number)]
        for marker in written.markers
        for number in re.findall(r"\d+\??", shown[marker.start : marker.end])
    ]
    assert read == numbers(text)


@given(MARKDOWN, st.sets(st.integers(1, 12)))
def test_a_stream_is_written_like_the_whole(text: str, passages: set[int]) -> None:
    whole, streamed = Renumbering(passages), Renumbering(passages)
    for character in text:
        streamed.feed(character)
    whole.feed(text)
    streamed.end()
    whole.end()

    assert (streamed.text, streamed.markers, streamed.unknown) == (whole.text, whole.markers, whole.unknown)
