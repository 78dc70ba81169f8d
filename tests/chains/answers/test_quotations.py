import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.answers.quotations import find_quotations, is_long, is_said, readings

PASSAGE = """\
## Water

Boil **fresh** water; it *must* [not](a.md#b) be "stale". Green tea wants
water of `75` degrees — don’t boil it.

| Name | Meaning |
| --- | --- |
| `K` | how many |

Run this:

```bash
$ askmd ingest docs
```

插入的数据存储在
对象存储中。
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('He said "a b c" and “d e”, „f g“, „h i”, «j k», »l m«, 「お茶」 and ‘it’s n’.', "a b c|d e|f g|h i|j k|l m|お茶|it’s n"),
        ('他说"数据存储在磁盘"。', "数据存储在磁盘"),
        ("Code `say \"a b\"` and ``x “y” ` z``, but “this”.", "this"),
        ('Tubes of 5" and 6" and don’t and ‘open', ""),
        ("“outer ‘inner’ more”", "outer ‘inner’ more"),
        ("“over\ntwo lines”", "over\ntwo lines"),
    ],
)  # fmt: skip
def test_quotations_of_any_language_are_found(text: str, found: str) -> None:
    assert "|".join(text[start:end] for start, end in find_quotations(text)) == found


@pytest.mark.parametrize(
    ("quotation", "expected"),
    [
        ("two words", False),
        ("a b c", False),
        ("three words here", True),
        ("MilvusClientConnection", False),
        ("数据", False),
        ("数据存储在对象存储中", True),
    ],
)
def test_a_term_in_quotes_is_no_quotation_to_check(quotation: str, expected: bool) -> None:
    assert is_long(quotation) is expected


@pytest.mark.parametrize(
    "quotation",
    [
        "Boil fresh water; it must not be “stale”.",
        "boil FRESH water; it must not",
        "Green tea wants **water of** `75` degrees,",
        "Boil fresh water … water of 75 degrees",
        "boil [...] don't boil it!",
        "`K`: how many",
        "Run this: `askmd ingest docs`",
        "插入的数据存储在对象存储中",
        "> Green tea wants\n> water of 75 degrees",
        "...",
    ],
)
def test_a_quotation_may_differ_in_signs_but_not_in_words(quotation: str) -> None:
    assert is_said(quotation, readings(PASSAGE))


@pytest.mark.parametrize(
    "quotation",
    [
        "Boil stale water",
        "it must be stale",
        "oil fresh wat",
        "water of 7 degrees",
        "Green tea wants … boil fresh water",
        "数据存储在磁盘中",
    ],
)
def test_other_words_are_not_said(quotation: str) -> None:
    assert not is_said(quotation, readings(PASSAGE))


def test_the_parts_of_a_quotation_stand_in_one_text() -> None:
    assert not is_said("one two … three four", ["one two", "three four"])


@given(st.text(), st.text(), st.text())
def test_what_stands_between_blanks_is_said(before: str, words: str, after: str) -> None:
    text = f"{before} {words} {after}"
    assert all(0 < start <= end < len(text) for start, end in find_quotations(text))
    is_said(words, readings(text))


@given(st.lists(st.sampled_from(["tea", "Wasser", "two", "ёлка", "75"]), min_size=1))
def test_plain_words_are_said_by_the_text_that_holds_them(words: list[str]) -> None:
    text = " ".join(["It", "holds", *words, "here"])
    assert is_said(" ".join(words), readings(text))
