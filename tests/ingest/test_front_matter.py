import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.front_matter import read_front_matter
from store.rows import MAX_FRONT_MATTER_BYTES


def test_yaml_between_dashes() -> None:
    text = "---\ntitle: A guide\ntags: [a, b]\ndate: 2024-05-01\n---\n# Body\n"
    front = read_front_matter(text)
    assert front.metadata == {"title": "A guide", "tags": ["a", "b"], "date": "2024-05-01"}
    assert text[front.end :] == "# Body\n"
    assert front.problem is None


def test_toml_between_plus_signs() -> None:
    text = "+++\ntitle = 'T'\nat = 2024-05-01T10:00:00Z\n[extra]\nn = 1\n+++\nbody"
    front = read_front_matter(text)
    assert front.metadata == {"title": "T", "at": "2024-05-01T10:00:00+00:00", "extra": {"n": 1}}
    assert text[front.end :] == "body"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark(line_end: str, mark: str) -> None:
    text = mark + line_end.join(["---", "title: x", "more: |", "  a", "  b", "---  ", "body"])
    front = read_front_matter(text)
    assert front.metadata == {"title": "x", "more": "a\nb\n"}
    assert text[front.end :] == "body"


def test_dots_close_yaml() -> None:
    assert read_front_matter("---\na: 1\n...\nbody").end == len("---\na: 1\n...\n")


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: never closed\n",
        "---\n\ntext between thematic breaks\n\n---\n",
        "---\n# A comment to YAML, a heading to readers\n---\n",
        "+++\nplain text\n+++\n",
        "----\na: 1\n----\n",
        "text\n---\na: 1\n---\n",
        " ---\na: 1\n---\n",
        "",
        "---",
    ],
)
def test_not_front_matter(text: str) -> None:
    front = read_front_matter(text)
    assert (front.end, front.metadata, front.problem) == (0, {}, None)


def test_empty_front_matter_is_skipped() -> None:
    assert read_front_matter("---\n---\nbody").end == 8


def test_a_later_thematic_break_is_not_the_end() -> None:
    text = "---\ntitle: Y\n---\n\n# H\n\ntext\n\n---\n\nafter"
    assert text[read_front_matter(text).end :].startswith("\n# H")


@pytest.mark.parametrize(
    "source",
    ["title: [", "a: b: c", "title: 'x", "date: 2024-99-99", "a: &x [*x, *y]", "key: !!timestamp nonsense", "x: @y"],
)
def test_invalid_yaml_is_reported_and_skipped(source: str) -> None:
    text = f"---\n{source}\n---\nbody"
    front = read_front_matter(text)
    assert text[front.end :] == "body"
    assert front.metadata == {}
    assert front.problem is not None
    assert front.problem.startswith("front matter is not valid YAML: ")


def test_the_problem_names_the_line() -> None:
    assert "(line 3)" in str(read_front_matter("---\nok: 1\ntitle: a: b\n---\n").problem)


def test_invalid_toml_is_reported_and_skipped() -> None:
    front = read_front_matter("+++\ntitle: 'yaml, really'\n+++\nbody")
    assert front.end == 30
    assert "not valid TOML" in str(front.problem)


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    front = read_front_matter("---\n" + "\n".join(lines) + "\n---\nbody")
    assert "more than" in str(front.problem)
    assert front.metadata == {}


def test_too_long_is_not_read() -> None:
    front = read_front_matter("---\n" + "a: b\n" * 30_000 + "---\nbody")
    assert "too long" in str(front.problem)
    assert front.end > 150_000


def test_aliases_of_long_texts_are_refused() -> None:
    front = read_front_matter(f"---\na: &a {'x' * 50_000}\nb: [{', '.join(['*a'] * 30)}]\n---\nbody")
    assert "more than 1000000 characters" in str(front.problem)
    assert front.metadata == {}


@pytest.mark.parametrize("letter", ["x", "я"])
def test_what_a_row_has_no_room_for_is_left_out_and_reported(letter: str) -> None:
    front = read_front_matter(f"---\ntitle: T\ndata: {letter * 16_380}\nmore: {letter * 16_370}\ntags: [a]\n---\nbody")
    assert front.metadata == {"title": "T", "tags": ["a"]}
    assert front.problem == "front matter is too long to be kept whole: 'data' and 1 more left out"


def test_integers_of_more_than_64_bits_become_strings() -> None:
    front = read_front_matter(f"---\nids: [{2**63 - 1}, {2**63}, {-(2**63)}, {-(2**63) - 1}]\n---\n")
    assert front.metadata == {"ids": [2**63 - 1, str(2**63), -(2**63), str(-(2**63) - 1)]}


def test_values_json_does_not_know_become_strings() -> None:
    front = read_front_matter("---\n1: .nan\nwhen: 10:30\nraw: !!binary aGk=\nall: !!set {a, b}\nnone:\n---\n")
    assert front.metadata == {"1": "nan", "when": 630, "raw": "b'hi'", "all": ["a", "b"], "none": None}


_PARTS = st.sampled_from(
    ["---\n", "+++\n", "---", "title: x\n", "a = 1\n", "\r\n", "\r", "[", "{", "&a ", "*a", ": ", "x"]
)


@given(st.lists(_PARTS | st.text(max_size=5)).map("".join))
def test_any_text_gives_plain_json_and_a_line_start(text: str) -> None:
    front = read_front_matter("---\n" + text)
    assert len(json.dumps(front.metadata, allow_nan=False, ensure_ascii=False).encode()) <= MAX_FRONT_MATTER_BYTES
    assert front.end == 0 or ("---\n" + text)[front.end - 1] in "\r\n" or front.end == len(text) + 4
