import pytest
from hypothesis import given

from chains.text.blocks import blocks
from tests.chains.answers.test_markers import MARKDOWN

FENCE = "```"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One\ntwo.\n\nThree.", [("paragraph", "One\ntwo."), ("paragraph", "Three.")]),
        (
            "# Title\nText\n\nUnder\n-----\n**Bold line**\n",
            [("heading", "Title"), ("paragraph", "Text"), ("heading", "Under"), ("heading", "**Bold line**")],
        ),
        ("- one\n  goes on\n- [x] two\n2) three", [("item", "one\n  goes on"), ("item", "two"), ("item", "three")]),
        ("- one\n\n  more of it\n\nAfter", [("item", "one"), ("item", "more of it"), ("paragraph", "After")]),
        ("> A quote\n> goes on.\n\n> - entry", [("quote", "A quote\n> goes on."), ("quote", "entry")]),
        ("> [!NOTE]\n> A note.", [("quote", "A note.")]),
        (
            "| A | B |\n| --- | :-: |\n| 1 | 2 |\n| 3 | 4 |",
            [("head", "| A | B |"), ("row", "| 1 | 2 |"), ("row", "| 3 | 4 |")],
        ),
        (f"Run:\n{FENCE}sh\nls -l\n\n  cd x\n{FENCE}\nDone", [("paragraph", "Run:"), ("code", "ls -l"), ("code", "cd x"), ("paragraph", "Done")]),
        (f"{FENCE}\nnever closed", [("code", "never closed")]),
        ("---\n[1]: docs/a.md\n***\n<!-- hidden -->\n::: tip\nText\n:::", [("paragraph", "Text")]),
        ("One\r\ntwo\r\n\r\nthree\rfour", [("paragraph", "One\r\ntwo"), ("paragraph", "three\rfour")]),
    ],
)  # fmt: skip
def test_a_text_is_divided_into_blocks(text: str, found: list[tuple[str, str]]) -> None:
    assert [(block.kind, text[block.start : block.end]) for block in blocks(text)] == found


def test_an_entry_knows_how_deep_it_stands() -> None:
    assert [block.indent for block in blocks("- one\n  - two\n- three")] == [0, 2, 0]


@given(MARKDOWN)
def test_blocks_are_stretches_in_their_order(text: str) -> None:
    at = 0
    for block in blocks(text):
        assert at <= block.start < block.end <= len(text)
        assert text[block.start : block.end].strip() == text[block.start : block.end]
        at = block.end
