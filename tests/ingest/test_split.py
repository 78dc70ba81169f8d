import re
import time
from functools import partial
from itertools import pairwise

import pytest

from ingest.chunk import Chunk
from ingest.split import Split, embedded_text, split

_TOKEN = re.compile(r"\w+|[^\w\s]")


def token_starts(text: str) -> list[int]:
    return [match.start() for match in _TOKEN.finditer(text)]


def cut(text: str, max_tokens: int = 200, max_chars: int = 16_000) -> list[Chunk]:
    return split(text, token_starts=token_starts, max_tokens=max_tokens, max_chars=max_chars).chunks


def texts(text: str, max_tokens: int = 200, max_chars: int = 16_000) -> list[str]:
    return [chunk.text for chunk in cut(text, max_tokens, max_chars)]


def words(count: int, start: int = 0) -> str:
    return " ".join(f"w{number}" for number in range(start, start + count))


def paragraph(sentences: int, of: int = 9) -> str:
    return " ".join(words(of, 10 * number).capitalize() + "." for number in range(sentences))


# Sections, breadcrumbs, anchors


def test_sections_breadcrumbs_and_slugs() -> None:
    chunks = cut("intro\n\n# One\n\na\n\n## Two\n\nb\n\n# Three\n\nc\n")
    assert [(chunk.headings, chunk.slug, chunk.start_line, chunk.end_line) for chunk in chunks] == [
        ((), "", 1, 1),
        (("One",), "one", 3, 5),
        (("One", "Two"), "two", 7, 9),
        (("Three",), "three", 11, 13),
    ]
    assert [(chunk.section_start, chunk.section_end) for chunk in chunks] == [(0, 7), (7, 17), (17, 28), (28, 39)]


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("# Plain", "Plain"),
        ("   ## Indented by three ##", "Indented by three"),
        ("# `code` and *stress* __too__ #", "code and stress too"),
        ("# A [link](x.md) and ![an image](y.png)", "A link and an image"),
        ("# By [reference][r]", "By reference"),
        ("# Fish &amp; chips \\*", "Fish & chips *"),
        ("Setext\n===", "Setext"),
        ("Setext over\ntwo *lines*\n---", "Setext over two lines"),
        ("# With <b>html</b>", "With html"),
        ("# C# and F#", "C# and F#"),
        ("#\tTab", "Tab"),
        ("<h2>HTML</h2>", "HTML"),
        ('<h1 align="center">\n  Over <em>lines</em>\n</h1>', "Over lines"),
        ("<h1>\n\nBlank lines inside\n\n</h1>", "Blank lines inside"),
        ('<h2><img alt="Logo" src="x"/> Name<button><svg><path d="M4"/></svg></button></h2>', "Logo Name"),
        ("<div><h3>Inside</h3></div>", "Inside"),
    ],
)
def test_titles(source: str, title: str) -> None:
    chunks = cut(f"{source}\n\ntext\n\n[r]: /url\n")
    assert chunks[-1].headings == (title,)


@pytest.mark.parametrize(
    "source",
    [
        "#not a heading",
        "    # indented code",
        "```\n# comment\n```",
        "~~~~\n```\n# comment\n~~~\n# comment\n~~~~",
        "- item\n\n  ```sh\n  # comment\n    ```",
        "> # quoted",
        "- # in an item",
        "<!--\n# comment\n<h1>no</h1>\n-->",
        "<pre>\n# verbatim\n<h1>no</h1>\n</pre>",
        "<script>\n// <h1>no</h1>\n</script>",
        "\\# escaped",
        "text\n\n---\n\nafter a thematic break",
        "a <h1>in a line</h1>",
        "| a |\n| - |\n| # b |",
    ],
)
def test_what_is_no_heading(source: str) -> None:
    chunks = cut(f"# Title\n\n{source}\n")
    assert {chunk.headings for chunk in chunks} == {("Title",)}


@pytest.mark.parametrize(
    ("source", "slug", "title"),
    [
        ("# Use it {#use}", "use", "Use it"),
        ("# Use it { #use .class }", "use", "Use it"),
        ("# `<Use>` {/*use-it*/}", "use-it", "<Use>"),
        ('# <a id="use"></a>Use it', "use", "Use it"),
        ("# Use it <a name='use'></a> ##", "use", "Use it"),
        ('<h1 class="x" id="use">Use it</h1>', "use", "Use it"),
        ('<h1 data-id="no">Use it</h1>', "use-it", "Use it"),
        ("# Use {x} it", "use-x-it", "Use {x} it"),
    ],
)
def test_explicit_ids(source: str, slug: str, title: str) -> None:
    [chunk] = cut(f"{source}\n\ntext")
    assert (chunk.slug, chunk.headings) == (slug, (title,))


def test_github_slugs() -> None:
    titles = ["Foo", "foo", "Foo-1", "Foo", "C++ & Rust?", "Что это?", "中文 标题", "a_b-c", "x² 5", "🚀 Go"]
    chunks = cut("".join(f"# {title}\n\ntext\n\n" for title in titles))
    assert [chunk.slug for chunk in chunks] == [
        "foo",
        "foo-1",
        "foo-1-1",
        "foo-2",
        "c--rust",
        "что-это",
        "中文-标题",
        "a_b-c",
        "x-5",
        "-go",
    ]


def test_headings_in_quotes_count_for_slugs_only() -> None:
    chunks = cut("# Foo\n\n> # Foo\n\n# Foo\n\ntext")
    assert [chunk.slug for chunk in chunks] == ["foo", "foo-2"]


def test_front_matter_title_heads_the_breadcrumb_unless_the_first_heading_repeats_it() -> None:
    assert cut("---\ntitle: Guide\ndescription: d\n---\n# One\n\na")[0].headings == ("Guide", "One")
    assert cut("---\ntitle: guide\n---\n# Guide\n\n## One\n\na")[-1].headings == ("Guide", "One")
    assert cut("---\ntitle: [no, text]\n---\ntext")[0].headings == ()


def test_front_matter_is_metadata_not_text() -> None:
    result = split("---\ntitle: Y\n---\n\n# H\n\ntext\n\n---\n\nafter rule\n", token_starts=token_starts)
    assert [chunk.text for chunk in result.chunks] == ["# H\n\ntext\n\n---\n\nafter rule"]
    assert result.metadata == {"title": "Y"}


def test_unclosed_front_matter_is_text() -> None:
    assert texts("---\ntitle: x\n\n# H\n\nbody") == ["---\ntitle: x", "# H\n\nbody"]


def test_front_matter_problems_are_noted() -> None:
    result = split("---\ntitle: [\n---\n# H\n\nbody", token_starts=token_starts)
    assert result.notes[0].startswith("line 1: front matter is not valid YAML")
    assert [chunk.text for chunk in result.chunks] == ["# H\n\nbody"]


def test_a_byte_order_mark_hides_no_heading() -> None:
    [chunk] = cut("\ufeff# Title\n\ntext")
    assert (chunk.text, chunk.start, chunk.headings) == ("# Title\n\ntext", 1, ("Title",))


def test_long_titles_are_clipped() -> None:
    [chunk] = cut("# " + words(100) + "\n\ntext", max_tokens=500)
    assert len(chunk.headings[0]) <= 200
    assert chunk.headings[0].endswith("…")


# What goes together


def test_siblings_with_text_are_never_merged() -> None:
    assert texts("## A\n\na\n\n## B\n\nb") == ["## A\n\na", "## B\n\nb"]


def test_bare_headings_begin_the_first_section_below() -> None:
    chunks = cut("# A\n\n## B\n\n### C\n\ntext\n\n### D\n\nmore")
    assert [chunk.text for chunk in chunks] == ["# A\n\n## B\n\n### C\n\ntext", "### D\n\nmore"]
    assert (chunks[0].headings, chunks[0].slug, chunks[0].section_start) == (("A", "B", "C"), "c", 0)


def test_bare_headings_stay_alone_before_a_sibling_or_a_full_section() -> None:
    assert texts("# A\n\n# B\n\ntext") == ["# A", "# B\n\ntext"]
    assert texts(f"# A a a a\n\n## B\n\n{words(16)}", max_tokens=20) == ["# A a a a", f"## B\n\n{words(16)}"]


def test_comments_before_a_heading_go_with_it() -> None:
    assert texts('<!-- old -->\n\n<a id="x"></a>\n\n## B\n\ntext') == ['<!-- old -->\n\n<a id="x"></a>\n\n## B\n\ntext']


def test_a_file_of_headings_loses_none() -> None:
    assert texts("# A\n## B\n# C\n") == ["# A\n## B", "# C"]


def test_a_heading_stays_with_the_text_after_it() -> None:
    chunks = texts(f"## Title\n\n{paragraph(2, 9)}", max_tokens=20)
    assert chunks[0].startswith("## Title\n\nW0")
    assert len(chunks) == 2


def test_pieces_of_a_section_are_balanced() -> None:
    sizes = [len(token_starts(text)) for text in texts("\n\n".join([paragraph(2, 4)] * 11), max_tokens=100)]
    assert len(sizes) == 2
    assert max(sizes) - min(sizes) <= 10


def test_a_fence_stays_with_the_paragraph_that_introduces_it() -> None:
    text = f"{paragraph(3)}\n\nRun this:\n\n```sh\n{words(20)}\n```\n\n{paragraph(3)}\n"
    assert any("Run this:\n\n```sh" in chunk for chunk in texts(text, max_tokens=60))


def test_wrapping_tags_stay_with_what_they_wrap() -> None:
    inside = "\n\n".join(f'<div class="c{number}">\n\n{paragraph(3)}\n\n</div>' for number in range(4))
    chunks = texts(inside, max_tokens=60)
    assert len(chunks) == 4
    assert all(chunk.startswith("<div") and chunk.endswith("</div>") for chunk in chunks)


def test_admonitions_stay_with_their_marks() -> None:
    tips = "\n\n".join(f"/// tip\n\n{paragraph(3)}\n\n///" for _ in range(4))
    chunks = texts(tips, max_tokens=60)
    assert len(chunks) == 4
    assert all(chunk.startswith("/// tip") and chunk.endswith("///") for chunk in chunks)


# What is kept whole, and how it is divided


def test_a_fence_that_fits_is_never_cut() -> None:
    fence = "```py\ndef f():\n    # comment\n\n    return 1\n```"
    text = "\n\n".join([paragraph(2), fence, paragraph(2), fence, paragraph(2)])
    for size in range(25, 60):
        assert sum(fence in chunk for chunk in texts(text, max_tokens=size)) == 2


def test_indentation_is_kept() -> None:
    text = "Code:\n\n    def f():\n        return 1\n\n" + paragraph(4)
    chunks = texts(text, max_tokens=20)
    assert any("    def f():\n        return 1" in chunk for chunk in chunks)
    long = "```py\n" + "".join(f"    a{number} = {number}\n" for number in range(40)) + "```"
    assert all(chunk.startswith(("```py\n", "    a")) for chunk in texts(long, max_tokens=40))


def test_a_divided_fence_carries_its_info_string() -> None:
    text = "```{.python title=x}\n" + "".join(f"a{number} = {number}\n" for number in range(60)) + "```"
    chunks = cut(text, max_tokens=60)
    assert len(chunks) > 2
    assert [chunk.preamble for chunk in chunks] == ["", *["```{.python title=x}\n"] * (len(chunks) - 1)]
    assert all(len(token_starts(embedded_text(chunk))) <= 60 for chunk in chunks)
    assert not chunks[-1].text.startswith("```")
    assert embedded_text(chunks[1]).startswith("```{.python title=x}\na")


def test_a_divided_table_carries_its_head() -> None:
    rows = "".join(f"| {number} | {words(4, number)} |\n" for number in range(30))
    chunks = cut(f"| Number | Words   |\n| ------ | :-----: |\n{rows}", max_tokens=90)
    assert len(chunks) > 2
    assert {chunk.preamble for chunk in chunks[1:]} == {"| Number | Words |\n| - | :-: |\n"}
    assert all(chunk.text.startswith("|") and chunk.text.endswith("|") for chunk in chunks)
    assert all(len(token_starts(embedded_text(chunk))) <= 90 for chunk in chunks)


def test_a_head_too_large_to_repeat_is_left_out() -> None:
    head = "| " + " | ".join(words(12).split()) + " |"
    table = f"{head}\n{'|-' * 12}|\n" + f"{head}\n" * 6
    assert {chunk.preamble for chunk in cut(table, max_tokens=40)} == {""}


def test_a_huge_row_is_cut_between_cells() -> None:
    row = "| " + " | ".join(words(3, 10 * number) for number in range(20)) + " |"
    chunks = texts(f"{'|a' * 20}|\n{'|-' * 20}|\n{row}\n", max_tokens=30)
    assert all(
        re.fullmatch(r"[|a-]+|\|? ?(w\d*[05] .* w\d*[27] \|\s?)+", line) for text in chunks for line in text.split("\n")
    )


def test_lists_are_cut_between_items() -> None:
    items = [f"- {words(8, number)}" for number in range(12)]
    chunks = texts("\n".join(items), max_tokens=30)
    assert [line for chunk in chunks for line in chunk.split("\n")] == items


def test_long_items_are_cut_between_their_blocks() -> None:
    text = f"1. {words(15)}\n\n   {words(15, 20)}\n\n   ```\n   {words(15, 40)}\n   ```\n"
    assert texts(text, max_tokens=25) == [
        f"1. {words(15)}",
        f"   {words(15, 20)}",
        f"   ```\n   {words(15, 40)}\n   ```",
    ]


def test_paragraphs_are_cut_between_sentences_before_words() -> None:
    chunks = texts(paragraph(12), max_tokens=30)
    assert all(chunk.endswith(".") and chunk.startswith("W") for chunk in chunks)
    assert texts(words(100), max_tokens=30) == [words(25, start) for start in range(0, 100, 25)]


def test_chinese_is_cut_after_its_own_full_stops() -> None:
    def characters(text: str) -> list[int]:
        return [place for place, character in enumerate(text) if not character.isspace()]

    text = "这是一个句子。" * 20
    chunks = split(text, token_starts=characters, max_tokens=30).chunks
    assert all(chunk.text.endswith("。") for chunk in chunks)


def test_abbreviations_before_lower_case_end_no_sentence() -> None:
    text = f"{words(8)} e.g. {words(8)}. Next {words(10)}."
    assert texts(text, max_tokens=25)[0].endswith(f"e.g. {words(8)}.")


def test_a_sentence_that_begins_a_line_keeps_its_indentation() -> None:
    text = "- " + "\n  ".join(paragraph(6).split(". ")).replace("\n", ".\n")
    assert all(chunk.startswith(("- W", "  W")) for chunk in texts(text, max_tokens=30))


def test_html_on_one_line_is_cut_between_its_elements() -> None:
    text = "".join(f"<p>{words(10, number)}</p>" for number in range(12))
    assert all(chunk.startswith("<p>") and chunk.endswith("</p>") for chunk in texts(text, max_tokens=60))


@pytest.mark.parametrize("grapheme", ["e\u0301", "👩‍👩‍👧", "🇩🇪", "한", "क्षि", "\r\n"])
def test_graphemes_are_never_cut(grapheme: str) -> None:
    def every_character(text: str) -> list[int]:
        return list(range(len(text)))

    text = f"x{grapheme * 50}x"
    for size in range(1, 12):
        chunks = split(text, token_starts=every_character, max_tokens=size).chunks
        for chunk in chunks:
            assert chunk.text.strip("x").count(grapheme) * len(grapheme) == len(chunk.text.strip("x"))


# Base64


def test_base64_images_stay_in_the_slice_and_out_of_the_embedding() -> None:
    text = f"Before ![a cat](data:image/png;base64,{'iVBORw0KGgo' * 300}) after.\n"
    [chunk] = cut(text)
    assert chunk.text == text.strip()
    assert embedded_text(chunk) == "Before ![a cat]() after."


def test_a_base64_monster_is_divided_and_embedded_as_its_alternative_text() -> None:
    text = f"# T\n\n![a cat](data:image/png;base64,{'A' * 100_000})\n\nafter\n"
    chunks = cut(text)
    assert all(len(chunk.text) <= 16_000 for chunk in chunks)
    assert "".join(chunk.text for chunk in chunks).count("A") == 100_000
    assert all(len(embedded_text(chunk)) < 40 for chunk in chunks)
    assert all("a cat" in embedded_text(chunk) for chunk in chunks)


# Fences that are never closed


def notes(text: str) -> list[str]:
    return split(text, token_starts=token_starts).notes


def test_an_unclosed_fence_does_not_swallow_the_headings_after_it() -> None:
    text = "# A\n\n```sh\nrun\n\n## B\n\nb\n\n```py\nx\n```\n\n## C\n\nc\n"
    assert [chunk.headings[-1] for chunk in cut(text)] == ["A", "B", "C"]
    assert notes(text) == ["line 3: this fence is never closed; read as text"]
    to_the_end = "# A\n\n```sh\nrun\n\n## B\n\nb\n\n## C\n\nc\n"
    assert [chunk.headings[-1] for chunk in cut(to_the_end)] == ["A", "B", "C"]


def test_line_numbers_in_notes_count_the_front_matter() -> None:
    assert notes("---\na: 1\n---\n\n```\nx\n\n## B\n\nb\n")[0].startswith("line 5: ")


def test_a_fence_closed_deeper_ends_there() -> None:
    text = "# A\n\n```sh\nrun\n      ```\n\n## B\n\nb\n\n## C\n\nc\n"
    chunks = cut(text)
    assert [chunk.headings[-1] for chunk in chunks] == ["A", "B", "C"]
    assert chunks[0].text.endswith("```")
    assert "2 lines below" in notes(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "# A\n\n```go\nx\n",
        "# A\n\n```sh\n\n# comment\n\nrun\n",
        "# A\n\n```md\n\n## Example\n\ntext\n\n## More\n",
        "# A\n\n```sh\n\n## comment\n\n```\n\ntext\n",
        "# A\n\n````\n\n## shown\n\n```py\nx\n```\n````\n",
        "# A\n\n- ```\n  x\n\n  ## y\n",
    ],
)
def test_fences_read_by_the_letter(text: str) -> None:
    assert {chunk.headings for chunk in cut(text)} == {("A",)}


def test_a_fence_open_at_the_end_is_noted() -> None:
    assert notes("```go\nx\n") == ["line 1: this fence is never closed; it is read as running to the end of the file"]
    assert notes("```go\nx\n```") == []
    assert notes("```go\nx\n```\n") == []


# Kept verbatim


@pytest.mark.parametrize(
    "source",
    [
        "[^1]: A footnote\n    over lines.",
        '[ref]: https://example.org "Title"',
        "!!! note\n    An admonition.",
        ":::tip\nA container.\n:::",
        "> [!NOTE]\n> An alert.",
        "{{< include >}} {% raw %} {{#include x.rs}}",
        "<Tabs>\n  <Tab>\n\n  text\n\n  </Tab>\n</Tabs>",
        "export const x = {\n  a: 1,\n}",
        "a\u00a0b\u200bc",
        "| a | b |\n|---|---|\n| 1 \\| 2 | 3 |",
        "Term\n: Definition",
        "null \x00 byte",
    ],
)
def test_everything_else_is_kept_verbatim(source: str) -> None:
    assert texts(f"# T\n\n{source}\n\nend\n") == [f"# T\n\n{source}\n\nend"]


@pytest.mark.parametrize("text", ["", " \n\t\r\n", "---\na: 1\n---\n", "\ufeff", "\ufeff\n"])
def test_nothing_gives_no_chunk(text: str) -> None:
    assert cut(text) == []


# Lines


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_numbers_and_offsets_with_any_line_end(line_end: str) -> None:
    text = line_end.join(["# A", "", "a\x0bb\u2028c\x85d", "", "B", "---", "", "```", "x", "```"])
    chunks = cut(text)
    assert [(chunk.start_line, chunk.end_line, chunk.headings) for chunk in chunks] == [
        (1, 3, ("A",)),
        (5, 10, ("A", "B")),
    ]
    assert chunks[1].text == line_end.join(["B", "---", "", "```", "x", "```"])


def test_mixed_line_ends() -> None:
    chunks = cut("# A\r\ra\r\n\n# B\n\rb")
    assert [(chunk.start_line, chunk.end_line) for chunk in chunks] == [(1, 3), (5, 7)]


# Limits and failures


@pytest.mark.parametrize("limits", [{"max_tokens": 0}, {"max_chars": 1}])
def test_impossible_limits_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        split("x", token_starts=token_starts, **limits)


def test_max_chars_holds_where_tokens_do_not_count() -> None:
    chunks = texts("x" * 1000 + " " * 500 + "y" * 1000, max_chars=300)
    assert all(len(chunk) <= 300 for chunk in chunks)
    assert "".join(chunks).replace(" ", "") == "x" * 1000 + "y" * 1000


def test_a_grapheme_longer_than_max_chars_is_cut_all_the_same() -> None:
    assert all(len(chunk) <= 50 for chunk in texts("a" + "\u0301" * 500, max_chars=50))


def test_a_parser_failure_loses_nothing() -> None:
    def at_depth(levels: int) -> Split:
        return at_depth(levels - 1) if levels else split("- " * 40 + "x\n\n# B\n", token_starts=token_starts)

    results = []
    for levels in range(400, 1_000, 10):
        try:
            results.append(at_depth(levels))
        except RecursionError:
            break
    assert all("".join(chunk.text for chunk in result.chunks).count("-") == 40 for result in results)
    assert results[-1].notes == ["line 1: the Markdown parser failed (RecursionError): read as plain paragraphs"]


_MONSTERS = {
    "one word": "a" * 300_000,
    "one line": "word " * 60_000,
    "brackets": "[" * 50_000,
    "heading of brackets": "# " + "[" * 50_000,
    "quotes": ">" * 50_000,
    "bullets on one line": "- " * 50_000,
    "list levels": "\n".join(" " * (2 * level) + "- x" for level in range(500)),
    "blank lines": "\n" * 200_000 + "x",
    "spaces": " " * 200_000 + "x",
    "dots": "." * 100_000,
    "open headings": "<h1>" * 20_000,
    "open comments": "<!-- " * 20_000,
    "open fences": "```py\n\n## x\n\n" * 3_000,
    "marks": "a" + "\u0301" * 100_000,
    "flags": "🇩🇪" * 10_000,
    "data uris": "![x](data:image/png;base64,AAAA) " * 5_000,
    "code": "```\n" + "}\n" * 20_000 + "```",
}


@pytest.mark.parametrize("name", _MONSTERS)
def test_monsters_take_no_quadratic_time(name: str) -> None:
    text = _MONSTERS[name]
    begun = time.process_time()
    chunks = cut(text)
    assert time.process_time() - begun < 20
    kept = "".join(chunk.text for chunk in chunks)
    assert [character for character in kept if not character.isspace()] == [c for c in text if not c.isspace()]


def test_deep_nesting_does_not_hide_the_rest_of_the_file() -> None:
    deep = "\n".join("  " * level + "- x" for level in range(200))
    chunks = cut(f"# A\n\n{deep}\n\n# B\n\nb\n")
    assert chunks[-1].headings == ("B",)


def test_the_same_text_gives_the_same_chunks() -> None:
    text = "# A\n\n" + paragraph(50) + "\n\n| a |\n|-|\n" + "| b c d |\n" * 80
    run = partial(split, text, token_starts=token_starts, max_tokens=50)
    assert run() == run()
    assert all(left.end <= right.start for left, right in pairwise(run().chunks))
