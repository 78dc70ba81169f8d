from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ConfigError
from config.settings import Settings
from store.collection import Store
from store.filters import Filters, among, check_filters, equals, expression, matches, parse_filters
from store.fingerprint import Fingerprint
from store.milvus import open_or_create_store
from store.rows import Embedded, StoredRow

NASTY = [
    'q"uote',
    "ap'os",
    "back\\slash",
    "new\nline",
    "\r\t",
    'x" or id != "',
    '" or 1==1 or doc == "',
    '"] or doc in ["',
    "%_like",
    "файл.md",
    "標籤",
    "😀\u2028",
    "\x01",
    "end\\",
    "root",
    "path",
    "$meta",
    "{x}",
]

PAGES: dict[tuple[str, str], dict[str, Any]] = {
    ("one", "guide/a.md"): {"tags": ["release", "new"], "version": 2, "product": {"name": "x"}, "path": "inner"},
    ("one", "guide/b.md"): {"tags": "release", "version": "2", "draft": True},
    ("one", "c.md"): {"version": 3, "date": "2024-05-01"},
    ("two", "guide/a.md"): {"tags": ["old"]},
    ("two", "c.md"): {},
}


def row(number: int, ordinal: int, file: tuple[str, str, str, dict[str, Any]]) -> StoredRow:
    root, doc, heading, front_matter = file
    return StoredRow(
        id=f"{number}-{ordinal}",
        root=root,
        doc=doc,
        text="text",
        ordinal=ordinal,
        file_hash="h",
        embed_hash="e",
        start=0,
        end=4,
        start_line=1,
        end_line=1,
        headings=["Top", heading],
        slug="",
        section_start=0,
        section_end=4,
        gap="",
        near=[],
        front_matter=front_matter,
        lexical="text",
        embedded=[Embedded([1.0, 0.0], "")],
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Files of two chunks each: those of PAGES, and one for each text that could break out of an expression."""
    fingerprint = Fingerprint(embedding="none", dims=(2,), lexical=1, splitter="none", chunk_tokens=1)
    files = [*((root, doc, "H", front_matter) for (root, doc), front_matter in PAGES.items())]
    files += [("nasty", text, text, {text: text, "list": ["z", text], "in": {text: text}}) for text in NASTY]
    rows = [row(number, ordinal, file) for number, file in enumerate(files) for ordinal in (0, 1)]
    with open_or_create_store(
        Settings(milvus_uri=str(tmp_path_factory.mktemp("filters") / "s.db")), fingerprint
    ) as opened:
        opened.upsert(rows)
        opened.flush()
        yield opened


def found(store: Store, filters: Filters) -> set[tuple[str, str]]:
    """Search with filters: what is found has to be found by vector and by words."""
    filter_ = store.filter_expression(filters)
    ids = [id_ for id_, _ in store.nearest("vector", [1.0, 0.0], 200, filter_)]
    assert set(ids) == {id_ for id_, _ in store.matching("text", 200, filter_)}
    rows = [(row["root"], row["doc"]) for row in store.get(ids).values()]
    assert all(rows.count(file) == 2 for file in rows)
    return set(rows)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"root": "two"}, {("two", "guide/a.md"), ("two", "c.md")}),
        ({"root": "three"}, set()),
        ({"path": "guide"}, {("one", "guide/a.md"), ("one", "guide/b.md"), ("two", "guide/a.md")}),
        ({"path": "guide", "root": "two"}, {("two", "guide/a.md")}),
        ({"path": ["guide/b*", "c.md"]}, {("one", "guide/b.md"), ("one", "c.md"), ("two", "c.md")}),
        ({"path": "nowhere"}, set()),
        ({"tags": "release"}, {("one", "guide/a.md"), ("one", "guide/b.md")}),
        ({"tags": ["old", "new"]}, {("one", "guide/a.md"), ("two", "guide/a.md")}),
        ({"tags": ["old", "new"], "version": "2"}, {("one", "guide/a.md")}),
        ({"tags": "releas"}, set()),
        ({"version": "2"}, {("one", "guide/a.md"), ("one", "guide/b.md")}),
        ({"version": ["3"], "path": "*.md"}, {("one", "c.md")}),
        ({"draft": "true"}, {("one", "guide/b.md")}),
        ({"date": "2024-05-01"}, {("one", "c.md")}),
        ({"product.name": "x"}, {("one", "guide/a.md")}),
        ({"front_matter.path": "inner"}, {("one", "guide/a.md")}),
        ({"front_matter.tags": "old"}, {("two", "guide/a.md")}),
        ({"front_matter.tags": "new", "tags": "release"}, {("one", "guide/a.md")}),
        ({"heading": "H", "tags": "old"}, {("two", "guide/a.md")}),
        ({"heading": ["X", "H"], "root": "two"}, {("two", "guide/a.md"), ("two", "c.md")}),
    ],
)
def test_filters_keep_what_they_hold_for(
    store: Store, filters: dict[str, str | list[str]], expected: set[tuple[str, str]]
) -> None:
    assert found(store, filters) == expected


@pytest.mark.parametrize("value", NASTY)
def test_a_value_means_itself_and_nothing_else(store: Store, value: str) -> None:
    itself = {("nasty", value)}
    assert {row["doc"] for row in store.rows(equals("doc", value), ["doc"])} == {value}
    assert {row["doc"] for row in store.rows(among("doc", [value, "none"]), ["doc"])} == {value}
    assert found(store, {"heading": value}) == itself
    assert found(store, {"heading": ["none", value]}) == itself
    assert found(store, {"root": value}) == set()
    assert found(store, {"list": value}) == itself
    assert found(store, {f"front_matter.{value}": value}) == itself
    assert found(store, {f"in.{value}": value}) == itself


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(NASTY)


@settings(max_examples=60)
@given(key=st.sampled_from(["root", "heading", "list", "front_matter.%_like"]), values=st.lists(_TEXTS, min_size=1))
def test_no_value_changes_the_meaning(store: Store, key: str, values: list[str]) -> None:
    if key == "root":
        expected = {page for page in PAGES if page[0] in values} | {
            ("nasty", text) for text in NASTY[: "nasty" in values]
        }
    elif key == "heading":
        expected = {("nasty", text) for text in NASTY if text in values or "Top" in values}
    elif key == "list":
        expected = {("nasty", text) for text in NASTY if text in values or "z" in values}
    else:
        expected = {("nasty", "%_like")} if "%_like" in values else set()
    assert found(store, {key: values}) == expected


@settings(max_examples=60)
@given(key=_TEXTS, value=_TEXTS)
def test_no_key_changes_the_meaning(store: Store, key: str, value: str) -> None:
    name = f"front_matter.{key}"
    if key in NASTY:
        assert found(store, {name: value}) == ({("nasty", key)} if value == key else set())
    else:
        with pytest.raises(ConfigError, match="no filter is called"):
            found(store, {f"{name} {value}": value})


def test_no_values_match_nothing(store: Store) -> None:
    assert list(store.rows(among("doc", []), ["doc"])) == []


@pytest.mark.parametrize(
    ("doc", "pattern", "expected"),
    [
        ("faq/a.md", "faq/a.md", True),
        ("faq/a.md", "faq", True),
        ("faq/a.md", "faq/", True),
        ("faq/a.md", "faq/*.md", True),
        ("faq/sub/a.md", "faq/*.md", True),
        ("faq/a.md", "*/a.md", True),
        ("faq/a.md", "fa", False),
        ("faq/a.md", "FAQ/*", False),
        ("faq_x/a.md", "faq", False),
    ],
)
def test_paths_are_matched_as_globs_and_folders(doc: str, pattern: str, expected: bool) -> None:
    assert matches(doc, pattern) is expected


def test_filters_are_combined() -> None:
    files = [{"root": "docs", "doc": "a/b.md"}, {"root": "docs", "doc": "c.md"}, {"root": "notes", "doc": "a/b.md"}]

    assert expression(parse_filters(["path=a/*", "heading=X"]), files) == (
        '((root == "docs" and doc in ["a/b.md"]) or (root == "notes" and doc in ["a/b.md"])) '
        'and ((json_contains(headings, "X")))'
    )
    assert expression({}, files) == ""


def test_a_key_that_is_given_again_has_several_values() -> None:
    assert parse_filters(["tags=a", "root=r", "tags=b=c"]) == {"tags": ["a", "b=c"], "root": "r"}


@pytest.mark.parametrize("pair", ["root", "root=", "=x", "="])
def test_a_malformed_filter_is_named(pair: str) -> None:
    with pytest.raises(ConfigError, match=f"filter '{pair}' is not of the form KEY=VALUE"):
        parse_filters([pair])


@pytest.mark.parametrize("given", [None, 2, True, [], ["a", 2], {"a": "b"}, "a\udcff"])
def test_a_value_that_is_no_text_is_named(given: Any) -> None:
    with pytest.raises(ConfigError, match="filter 'tags' is .*; it must be a text, or a list of texts"):
        check_filters({"tags": given})


def test_what_is_no_dictionary_is_refused() -> None:
    with pytest.raises(ConfigError, match="a filter is a dictionary"):
        check_filters(["tags=a"])


def test_an_unknown_key_lists_the_known_ones() -> None:
    files = [{"root": "r", "doc": doc, "front_matter": page} for (_, doc), page in PAGES.items()]
    with pytest.raises(ConfigError) as caught:
        expression({"tag": "release"}, files)
    assert str(caught.value) == (
        "no filter is called 'tag'; known: root, path, heading, date, draft, front_matter.path, product.name, tags, version"
    )


def test_a_long_list_of_known_keys_is_cut() -> None:
    files = [{"root": "r", "doc": "a.md", "front_matter": {f"k{n:02}": n for n in range(35)}}]
    with pytest.raises(ConfigError, match=r"no filter is called 'x'; .* k28, k29, \.\.\. and 5 more$"):
        expression({"x": "1"}, files)
