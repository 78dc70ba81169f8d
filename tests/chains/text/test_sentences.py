import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.text.sentences import sentences


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("One here. Two\nthere! Three?", ["One here.", "Two there!", "Three?"]),
        ("First paragraph\n\nSecond paragraph", ["First paragraph", "Second paragraph"]),
        (
            "Version 3.11 runs. See e.g. Milvus, etc. Then stop.",
            ["Version 3.11 runs.", "See e.g. Milvus, etc. Then stop."],
        ),
        ('He said "Stop." Then he went.', ['He said "Stop."', "Then he went."]),
        ("Er kam. Über Nacht blieb er z. B. hier.", ["Er kam.", "Über Nacht blieb er z. B. hier."]),
        ("Данные на диске. Журнал отдельно.", ["Данные на диске.", "Журнал отдельно."]),
        (
            "数据存储在磁盘。\n元数据存储在etcd。真的吗？是",
            ["数据存储在磁盘。", "元数据存储在etcd。", "真的吗？", "是"],
        ),
    ],
)
def test_text_is_divided_into_sentences(markdown: str, expected: list[str]) -> None:
    assert sentences(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("# Title\n\nText.", ["Text."]),
        ("Text\n----\nMore", ["Text", "More"]),
        ("- one item\n* [x] two\n  goes on\n1. three", ["one item", "two goes on", "three"]),
        ("A - b and c > d stay.", ["A - b and c > d stay."]),
        ("> [!NOTE]\n> A note\n> goes on.", ["A note goes on."]),
        ("| Name | Meaning |\n| --- | :-: |\n| `K` | how many |\n| `P` | |", ["`K`: how many", "`P`"]),
        ("[ref]: http://x.y\n<!-- hidden -->\n***\nText", ["Text"]),
    ],
)
def test_blocks_lose_their_marks(markdown: str, expected: list[str]) -> None:
    assert sentences(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("A [link](http://x.y/z_(1)) to [that][ref].", "A link to that."),
        ("See <https://x.y> and ![logo](a.png)this.", "See https://x.y and this."),
        ("**Bold**, *slanted* and __strong__ but 2 * 3 and snake_case_name.", None),
        ("Set `**kwargs` and `[1](x)` there.", "Set `**kwargs` and `[1](x)` there."),
        ("Write <file>, <b>not</b> <br/>that.", "Write <file>, not that."),
        ("As shown [1] and [^2].", "As shown and ."),
    ],
)
def test_inline_marks_are_taken_out_but_code_is_left_alone(markdown: str, expected: str | None) -> None:
    assert sentences(markdown) == [expected or "Bold, slanted and strong but 2 * 3 and snake_case_name."]


def test_code_blocks_are_left_out() -> None:
    assert sentences("Before.\n\n```python\nx = 1. Not this.\n```\n\n~~~\n```\nnor this\n~~~\nAfter.") == [
        "Before.",
        "After.",
    ]


def test_a_lead_in_keeps_its_command() -> None:
    markdown = "Ingest a folder:\n\n```bash\n# sync\n$ askmd ingest docs\naskmd status\n```\nThen ask."
    assert sentences(markdown) == ["Ingest a folder: `askmd ingest docs`", "Then ask."]


@given(st.text(alphabet=st.sampled_from("aB1. \n-|`~#>*_[](){}:!<文。é")))
def test_any_text_gives_one_line_sentences(text: str) -> None:
    found = sentences(text)
    assert all(sentence == sentence.strip() and "\n" not in sentence for sentence in found)
    assert all(any(character.isalnum() or character == "_" for character in sentence) for sentence in found)
