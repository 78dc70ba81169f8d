import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from experiments.report.marking import mark_changes, mark_spans, render_answer

TAG = re.compile(r"</?[a-z][^>]*>")


def test_citations_lead_to_passages_and_made_up_ones_to_nothing() -> None:
    html = render_answer("Tin [1, 2] and jar [9?]; `a[1]`", {1: "p1", 2: "p2"})
    assert '<a class="cite" href="#p1" aria-label="Source 1">1</a><a class="cite" href="#p2"' in html
    assert '<span class="made-up">[9?]</span>' in html
    assert "<code>a[1]</code>" in html


def test_nothing_of_a_text_becomes_a_part_of_the_page() -> None:
    html = render_answer("<script>x</script> ![i](http://x/i.png) [a](javascript:x) [b](https://y.example)", {})
    assert "<script" not in html
    assert "<img" not in html
    assert "javascript:" not in re.sub(r"\[a\]\(javascript:x\)", "", html)
    assert '<a href="https://y.example" rel="noopener noreferrer nofollow" target="_blank">b</a>' in html


def test_spans_may_lie_over_each_other() -> None:
    marked = mark_spans("closed tin & light", [(0, 10, "gold"), (7, 99, "quote"), (5, 5, "none")])
    assert marked == (
        '<mark class="gold">closed </mark><mark class="gold quote">tin</mark><mark class="quote"> &amp; light</mark>'
    )


def test_changes_are_marked_word_by_word() -> None:
    assert mark_changes("In a tin.", "In a jar.") == "In a <del>tin.</del><ins>jar.</ins>"


@given(
    st.text(max_size=40),
    st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50), st.sampled_from(["a", "b"])), max_size=5),
)
def test_marking_loses_no_character(text: str, spans: list[tuple[int, int, str]]) -> None:
    assert unescape(TAG.sub("", mark_spans(text, spans))) == text


@given(st.text(max_size=40), st.text(max_size=40))
def test_changes_hold_both_texts(old: str, new: str) -> None:
    marked = str(mark_changes(old, new))
    assert unescape(TAG.sub("", re.sub(r"<del>.*?</del>", "", marked, flags=re.DOTALL))) == new
    assert unescape(TAG.sub("", re.sub(r"<ins>.*?</ins>", "", marked, flags=re.DOTALL))) == old
