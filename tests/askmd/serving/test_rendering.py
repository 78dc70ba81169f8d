import re

from hypothesis import example, given
from hypothesis import strategies as st

from askmd.serving.rendering import AnswerRenderer

PARTS = [
    *("<script>", "</script>", "<img src=x onerror=a()>", "<svg/onload=x>", "<a href='javascript:x'>", "<!--"),
    *("[a](javascript:b)", "![i](http://x/y.png)", "[b](http://c)", "<http://d>", "[r]: javascript:x\n", "[r]"),
    *("[1]", "[7?]", "`[1]`", "```\n", "\n\n", "\n", "- ", "1. ", "> ", "| a | b |\n| - | - |\n"),
    *("&lt;", "&#x6a;", "word ", "**", "_", "\\", "#", "    ", "data:text/html,x"),
]
MARKDOWN = st.lists(st.sampled_from(PARTS), max_size=30).map("".join)


def rendered(*pieces: str) -> str:
    renderer = AnswerRenderer()
    finished, growing = "", ""
    for piece in pieces:
        more, growing = renderer.feed(piece)
        finished += more
    return finished + growing


@given(MARKDOWN | st.text())
@example('[x](JaVaScRiPt:alert(1)) <javascript:alert(1)> [y](//evil.example) [z](http://a"onmouseover=b)')
def test_html_runs_nothing_and_asks_for_nothing(text: str) -> None:
    html = rendered(text)
    tags = re.findall(r"<[^>]*>", html)

    assert not re.search(r"<(script|img|svg|iframe|style|form|input|object|link|meta|base)\b", html, re.IGNORECASE)
    assert not any(re.search(r"\son\w+=|style=", tag, re.IGNORECASE) for tag in tags)
    assert all(re.match(r"https?://", address) for tag in tags for address in re.findall(r'href="([^"]*)"', tag))


@given(MARKDOWN, st.data())
def test_however_the_text_comes_what_is_shown_in_the_end_is_the_same(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))

    assert _words(rendered(text[:at], text[at:])) == _words(rendered(text))


def test_a_line_that_is_not_whole_yet_ends_no_table() -> None:
    text = "| a | b |\n| - | - |\n**c** | d |\n"

    for at in range(len(text)):
        assert _words(rendered(text[:at], text[at:])) == _words(rendered(text)) == "abcd"


def _words(html: str) -> str:
    return "".join(re.sub(r"<[^>]*>", " ", html).split())


def test_finished_blocks_are_given_once() -> None:
    renderer = AnswerRenderer()

    assert renderer.feed("One.\n\nTwo") == ("<p>One.</p>\n", "<p>Two</p>\n")
    assert renderer.feed(" two.\n\n- three") == ("<p>Two two.</p>\n", "<ul>\n<li>three</li>\n</ul>\n")
    assert renderer.feed("") == ("", "<ul>\n<li>three</li>\n</ul>\n")


def test_numbers_of_sources_are_buttons_outside_of_code_and_links() -> None:
    html = rendered("A [1], made up [7?], `[2]`, [see [3]](http://a.example).")

    assert re.findall(r'data-n="(\d+)"', html) == ["1"]
    assert '<span class="made-up">[7?]</span>' in html
    assert "<code>[2]</code>" in html


def test_a_link_leads_out_without_telling_from_where() -> None:
    assert rendered("[a](https://b.example)") == (
        '<p><a href="https://b.example" target="_blank" rel="noopener noreferrer nofollow">a</a></p>\n'
    )


def test_an_image_is_its_description() -> None:
    assert rendered("![a cat](http://b.example/cat.png)") == "<p>a cat</p>\n"
