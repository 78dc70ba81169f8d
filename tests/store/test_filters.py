from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymilvus import DataType, MilvusClient

from config.errors import ConfigError
from store.connection import connect, disconnect
from store.filters import among, equals, expression, matches, parse_filters

NASTY = [
    'q"uote',
    "ap'os",
    "back\\slash",
    "new\nline",
    "\r\t",
    'x" or id != "',
    "%_like",
    "файл.md",
    "😀\u2028",
    "\x01",
    "end\\",
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusClient]:
    """A collection with one row for each value that could break out of an expression."""
    uri = str(tmp_path_factory.mktemp("filters") / "s.db")
    opened = connect(uri, None, 30)
    schema = MilvusClient.create_schema(enable_dynamic_field=True)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("doc", DataType.VARCHAR, max_length=4096)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    index = MilvusClient.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type="IP", params={})
    opened.create_collection("c", schema=schema, index_params=index, consistency_level="Strong")
    rows = [{"id": str(n), "doc": text, "headings": [text, "z"], "vector": [1.0, 0.0]} for n, text in enumerate(NASTY)]
    opened.upsert("c", rows)
    yield opened
    disconnect(opened, uri)


def found(client: MilvusClient, filter_: str) -> set[str]:
    return {row["doc"] for row in client.query("c", filter=filter_, output_fields=["doc"], limit=100)}


@pytest.mark.parametrize("value", NASTY)
def test_a_value_means_itself_and_nothing_else(client: MilvusClient, value: str) -> None:
    assert found(client, equals("doc", value)) == {value}
    assert found(client, among("doc", [value, "none"])) == {value}
    assert found(client, expression({"heading": value}, ())) == {value}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_value_changes_the_expression(client: MilvusClient, value: str) -> None:
    assert found(client, equals("doc", value)) == {value} & set(NASTY)


def test_no_values_match_nothing(client: MilvusClient) -> None:
    assert found(client, among("doc", [])) == set()


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
    filters = parse_filters(["root=docs", "path=a/*", "heading=X"])

    assert (
        expression(filters, ["a/b.md", "c.md"])
        == 'root == "docs" and doc in ["a/b.md"] and json_contains(headings, "X")'
    )
    assert expression({}, ["a/b.md"]) == ""


@pytest.mark.parametrize("pair", ["root", "root=", "=x"])
def test_a_malformed_filter_is_named(pair: str) -> None:
    with pytest.raises(ConfigError, match=r"filter '.*' is not of the form KEY=VALUE|no filter is called ''"):
        parse_filters([pair])


def test_an_unknown_key_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="no filter is called 'rot'; known: root, path, heading"):
        parse_filters(["rot=docs"])
