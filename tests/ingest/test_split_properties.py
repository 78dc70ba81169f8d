"""What holds for the chunks of any text at all."""

import re
from itertools import pairwise

import regex
from hypothesis import given
from hypothesis import strategies as st

from ingest.front_matter import read_front_matter
from ingest.split import Split, embedded_text, split

_TOKEN = re.compile(r"\w+|[^\w\s]")
_LINE_END = re.compile(r"\r\n|\n|\r")
_WORDS = [
    "word",
    "Two words.",
    "naïve",
    "中文。",
    "Что?",
    "🇩🇪",
    "👩‍👩‍👧",
    "e\u0301",
    "\u200b",
    "\u0600",
    "`code`",
    "[a](b)",
    "<b>",
    "&amp;",
]
_LINES = [
    "# One", "## Two ##", "###### Six {#six}", "Setext", "===", "---", "- item", "  - nested", "1. first", "> quote",
    "> - both", "```py", "```", "~~~~", "    code", "\tcode", "| a | b |", "|---|---|", "| 1 | 2 |", "<div>", "</div>",
    "<h1>Title</h1>", "<h2 id='x'>", "</h2>", "<!--", "-->", "[a]: /b", "[^1]: note", "***", "+++", "title: x", "",
    "", " ", "\x0b", "\u2028x", "![i](data:image/png;base64,AAAABBBBCCCCDDDD)", "text with `# hash`", "# ", "\ufeff",
]  # fmt: skip
_LINE_ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r"])
_INLINE = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=12).map(" ".join)
_MARKDOWN = st.lists(st.tuples(st.sampled_from(_LINES) | _INLINE, _LINE_ENDS), max_size=40).map(
    lambda lines: "".join(line + line_end for line, line_end in lines)
)
_RAW = st.text(max_size=200) | st.text(alphabet="a .\r\n\t#>-`|<h1/!\u0301\u200d🇩🇪\u0600\ufeff\x00", max_size=200)
_TEXTS = _MARKDOWN | _RAW
_LIMITS = st.integers(1, 30)


def token_starts(text: str) -> list[int]:
    return [match.start() for match in _TOKEN.finditer(text)]


def cut(text: str, max_tokens: int, max_chars: int = 16_000) -> Split:
    return split(text, token_starts=token_starts, max_tokens=max_tokens, max_chars=max_chars)


@given(_TEXTS, _LIMITS)
def test_chunks_are_exact_slices_in_order_that_cover_all_but_blanks(text: str, limit: int) -> None:
    place = read_front_matter(text).end or int(text.startswith("\ufeff"))
    for chunk in cut(text, limit).chunks:
        assert chunk.text == text[chunk.start : chunk.end]
        assert not text[place : chunk.start].strip()
        assert place <= chunk.start < chunk.end
        assert chunk.text.strip()
        place = chunk.end
    assert not text[place:].strip()


@given(_TEXTS, _LIMITS)
def test_line_numbers(text: str, limit: int) -> None:
    for chunk in cut(text, limit).chunks:
        assert chunk.start_line == len(_LINE_END.split(text[: chunk.start]))
        last = chunk.end - 1
        before = text[:last] if text[last - 1 : last + 1] != "\r\n" else text[: last - 1]
        assert chunk.end_line == len(_LINE_END.split(before))


@given(_TEXTS, _LIMITS)
def test_the_token_limit_counts_what_is_embedded(text: str, limit: int) -> None:
    for chunk in cut(text, limit).chunks:
        embedded = len(token_starts(embedded_text(chunk)))
        assert embedded <= limit or len(regex.findall(r"\X", chunk.text.strip())) == 1


@given(_TEXTS, _LIMITS, st.integers(2, 60))
def test_max_chars_always_holds(text: str, limit: int, max_chars: int) -> None:
    chunks = cut(text, limit, max_chars).chunks
    assert all(len(chunk.text) <= max_chars for chunk in chunks)
    assert sum(len(re.findall(r"\S", chunk.text)) for chunk in chunks) == len(
        re.findall(r"\S", text[read_front_matter(text).end or int(text.startswith("\ufeff")) :])
    )


@given(_TEXTS, _LIMITS)
def test_no_cut_inside_a_grapheme(text: str, limit: int) -> None:
    boundaries = {0, *(match.end() for match in regex.finditer(r"\X", text))}
    for chunk in cut(text, limit).chunks:
        assert chunk.start in boundaries or text[: chunk.start] == "\ufeff"
        assert chunk.end in boundaries


@given(_TEXTS, _LIMITS)
def test_chunks_lie_inside_their_sections(text: str, limit: int) -> None:
    sections = set()
    for chunk in cut(text, limit).chunks:
        assert 0 <= chunk.section_start <= chunk.start < chunk.end <= chunk.section_end <= len(text)
        assert all(heading and len(heading) <= 200 for heading in chunk.headings)
        sections.add((chunk.section_start, chunk.section_end))
    ordered = sorted(sections)
    assert all(left[1] <= right[0] for left, right in pairwise(ordered))


@given(_TEXTS, _LIMITS)
def test_leading_indentation_is_kept(text: str, limit: int) -> None:
    for chunk in cut(text, limit).chunks:
        line = max(text.rfind("\n", 0, chunk.start), text.rfind("\r", 0, chunk.start)) + 1
        before = text[line : chunk.start].removeprefix("\ufeff" if line == 0 else "")
        assert not before or before.strip()


@given(_TEXTS, _LIMITS)
def test_the_same_input_gives_the_same_output(text: str, limit: int) -> None:
    assert cut(text, limit) == cut(text, limit)


@given(_MARKDOWN)
def test_line_ends_do_not_change_what_is_found(text: str) -> None:
    def found(text: str) -> list[tuple[tuple[str, ...], str, int, int]]:
        chunks = cut(text, 10_000).chunks
        return [(chunk.headings, chunk.slug, chunk.start_line, chunk.end_line) for chunk in chunks]

    unix = _LINE_END.sub("\n", text)
    assert found(unix) == found(unix.replace("\n", "\r\n")) == found(unix.replace("\n", "\r"))
