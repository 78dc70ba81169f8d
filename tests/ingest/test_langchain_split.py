import re

from hypothesis import given
from hypothesis import strategies as st

from ingest.langchain_split import split_with_langchain
from ingest.split import Split

_TOKEN = re.compile(r"\w+|[^\w\s]")
_PARTS = [
    "# One\n",
    "## Two\n",
    "```\n",
    "x y z\n",
    "\n",
    "    code\n",
    "\u200b",
    "\xa0",
    "\r\n",
    "word ",
    "---\n",
    "é",
]


def token_starts(text: str) -> list[int]:
    return [match.start() for match in _TOKEN.finditer(text)]


def cut(text: str, max_tokens: int = 200) -> Split:
    return split_with_langchain(text, token_starts=token_starts, max_tokens=max_tokens)


def test_sections_are_found_again_with_their_breadcrumbs() -> None:
    text = "---\ntitle: T\n---\nintro\n\n# A\n\na\n\n## B\n\nb  c\n"
    result = cut(text)
    assert [(chunk.text, chunk.headings, chunk.slug) for chunk in result.chunks] == [
        ("intro", ("T",), ""),
        ("# A\n\na", ("T", "A"), "a"),
        ("## B\n\nb  c", ("T", "A", "B"), "b"),
    ]
    assert result.metadata == {"title": "T"}
    assert [chunk.start_line for chunk in result.chunks] == [4, 6, 10]
    assert result.notes == []


def test_slices_have_the_blanks_that_langchain_strips() -> None:
    [chunk] = cut("# A\n\n```py\ndef f():\n\treturn\xa01\n```\n").chunks
    assert chunk.text == "# A\n\n```py\ndef f():\n\treturn\xa01\n```"


def test_the_size_is_limited() -> None:
    result = cut("# A\n\n" + "one two three four\n" * 100, max_tokens=50)
    assert len(result.chunks) >= 8
    assert all(len(token_starts(chunk.text)) <= 50 for chunk in result.chunks)
    assert {(chunk.section_start, chunk.section_end) for chunk in result.chunks} == {(0, 1904)}


def test_chunks_over_max_chars_are_left_out_and_counted() -> None:
    text = "a" + "\u200b" * 1000 + "b"
    result = split_with_langchain(text, token_starts=token_starts, max_chars=900)
    assert result.chunks == []
    assert result.notes == ["1 of LangChain's chunks can not be found in the file: left out"]


@given(st.lists(st.sampled_from(_PARTS) | st.text(max_size=8)).map("".join), st.integers(1, 20))
def test_every_chunk_is_an_exact_slice_in_its_section(text: str, limit: int) -> None:
    place = 0
    for chunk in cut(text, limit).chunks:
        assert chunk.text == text[chunk.start : chunk.end]
        assert place <= chunk.start < chunk.end
        assert chunk.section_start <= chunk.start
        assert chunk.end <= chunk.section_end
        place = chunk.end
