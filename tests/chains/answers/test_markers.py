import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chains.answers.markers import MarkerScanner, Part

FENCE = "```"
SIGNS = [
    "[1]", "[12", "]", "[", "2", ", ", ";", "-", "–", "^", "【3】", "［4］", "(u)", "`", "``", FENCE, "~~~", "\n", "\n\n",
    "\r\n", " ", "> ", "- ", "1. ", "#", "|", "\\", "a", "_", "word", "字", "。", "0", "٣",
]  # fmt: skip
MARKDOWN = st.lists(st.sampled_from(SIGNS), max_size=30).map("".join)


def joined(parts: list[Part]) -> list[Part]:
    found: list[Part] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return found


def scan(*pieces: str) -> list[Part]:
    scanner = MarkerScanner()
    return joined([part for piece in pieces for part in scanner.feed(piece)] + scanner.end())


def numbers(text: str) -> list[int]:
    return [n for part in scan(text) if not isinstance(part, str) for n in part]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Yes [1].", [1]),
        ("Yes [1, 3]. No [2][4]. [1]", [1, 3, 2, 4, 1]),
        ("Yes [1;2] and [ 3 ], [4,5].", [1, 2, 3, 4, 5]),
        ("Ranges [1-3], [5–6] and [8, 10-11].", [1, 2, 3, 5, 6, 8, 10, 11]),
        ("数据存储在磁盘【1】。元数据［2，3］。", [1, 2, 3]),
        ("As footnotes [^1], [^2^] and [^3, ^4].", [1, 2, 3, 4]),
        ("Digits of Arabic [٣].", [3]),
        ("In brackets ([1]), [[2]] and twice the same [3, 3].", [1, 2, 3]),
        ("Glued to a word[1], a quote“[2] or `code`[3].", [1, 2, 3]),
        ("A year [2024], a hash [99999], [a], [], [1.5], [-1], [1,, 2].", []),
        ("Zero counts from elsewhere: [0], [0, 1]. So does [3-1], and an interval [1-100].", []),
        ("A link [1](http://x), [[2]](http://x) and [^3](x).", []),
        (r"Escaped \[1] and \[2\].", []),
        ("An index a[1], m[1][2], my_list[3], a_1[4].", []),
    ],
)
def test_numbers_are_found_where_they_are_citations(text: str, found: list[int]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"Code:\n{FENCE}\nx [1]\n{FENCE}\nand `y [2]` and ``z ` [3]`` but [4]", [4]),
        (f"An open fence:\n{FENCE}python\nx [1]\n", []),
        (f"{FENCE}\n[1]\n~~~\n{FENCE}x\n[2]\n {FENCE}  \n[3]", [3]),
        (f"````\n[1]\n{FENCE}\n[2]\n`````\n[3]", [3]),
        ("~~~ `a`\n[1]\n~~~\n[2]", [2]),
        (f"- {FENCE}\n  [1]\n  {FENCE}\n- [2]\n> {FENCE}\n> [3]\n> {FENCE}\n> [4]", [2, 4]),
        (f"{FENCE}x{FENCE} says [1]", [1]),
        ("A lone ` does not hide [1].", [1]),
        ("A span `over\nlines [1]` but [2]", [2]),
        ("Its paragraph ends ` it [1]\n\nso ` is [2]", [1, 2]),
        ("- an entry ` ends it [1]\n- so ` does [2]", [1, 2]),
        (r"An escaped \` is none [1] `", [1]),
    ],
)
def test_brackets_in_code_are_no_citations(text: str, found: list[int]) -> None:
    assert numbers(text) == found


@given(MARKDOWN, st.data())
@example("a[1](", None)
@example("`[1]\n\n", None)
def test_a_text_cut_into_any_pieces_has_the_same_parts(text: str, data: st.DataObject | None) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text))))) if data else list(range(len(text)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    assert scan(*pieces) == scan(text)
    assert scan(*text) == scan(text)


@given(MARKDOWN)
def test_all_but_the_markers_stays(text: str) -> None:
    stretches = [part for part in scan(text) if isinstance(part, str)]
    at = 0
    for stretch in stretches:
        found = text.find(stretch, at)
        assert found >= at
        at = found + len(stretch)


@given(st.text(alphabet="[]12 ,a\n"), st.sampled_from(["```", "~~~", "````"]))
def test_nothing_in_a_fenced_block_is_a_citation(code: str, fence: str) -> None:
    assert numbers(f"{fence}\n{code}\n{fence}\n") == []
    assert numbers(f"{fence}\n{code}") == []


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["It is", " so", " [", "1", "]", "."], ["It is", " so", " ", "", "", "."]),
        (["An array", " [a", "] of"], ["An array", " [a", "] of"]),
        (["[1]", "(", "u)"], ["", "[1](", "u)"]),
        (["`x", "[1", "]` is"], ["`x", "", "[1]` is"]),
        ([FENCE, "\n", "x[1]", " = 2"], [FENCE, "\n", "x[1]", " = 2"]),
        (["- ", "an entry"], ["- ", "an entry"]),
    ],
)
def test_only_what_may_become_a_marker_is_held_back(pieces: list[str], shown: list[str]) -> None:
    scanner = MarkerScanner()
    parts = [[part for part in scanner.feed(piece) if isinstance(part, str)] for piece in pieces]
    assert ["".join(found) for found in parts] == shown
