from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.front_matter import holds, keys

PAGE = {
    "title": "Tea",
    "tags": ["a", "b", 3, ["deep"]],
    "version": 2.1,
    "weight": 7,
    "big": 9007199254740993,
    "draft": True,
    "date": "2024-05-01",
    "nothing": None,
    "none of them": [],
    "product": {"name": "x", "owners": [{"name": "Ann"}, {"name": "Bo"}], "empty": {}},
    "a.b": {"c": 1, "d.e": 2},
    "": "blank",
}


def test_keys_are_all_that_stands_for_something() -> None:
    assert set(keys(PAGE)) == {
        "title", "tags", "version", "weight", "big", "draft", "date", "nothing", "none of them", "product.name",
        "product.owners.name", "a.b.c", "a.b.d.e", "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "wanted", "expected"),
    [
        ("title", "Tea", True),
        ("title", "tea", False),
        ("title", "Te", False),
        ("tags", "a", True),
        ("tags", "3", True),
        ("tags", "deep", True),
        ("tags", "['a', 'b']", False),
        ("none of them", "", False),
        ("version", "2.1", True),
        ("version", "2.10", True),
        ("version", "2", False),
        ("weight", "7", True),
        ("weight", "7.0", True),
        ("weight", "seven", False),
        ("weight", "sNaN", False),
        ("big", "9007199254740993", True),
        ("big", "9007199254740992", False),
        ("draft", "true", True),
        ("draft", "True", True),
        ("draft", "1", False),
        ("draft", "false", False),
        ("date", "2024-05-01", True),
        ("nothing", "null", True),
        ("product.name", "x", True),
        ("product.owners.name", "Bo", True),
        ("product.owners", "Bo", False),
        ("product", "x", False),
        ("a.b.c", "1", True),
        ("a.b.d.e", "2", True),
        ("a", "1", False),
        ("", "blank", True),
        ("none", "x", False),
    ],
)
def test_a_key_holds_a_value(key: str, wanted: str, expected: bool) -> None:
    assert holds(PAGE, key, wanted) is expected


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_VALUES = st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.dictionaries(st.text(), _VALUES), st.text(), st.text())
def test_any_front_matter_can_be_asked(front_matter: dict[str, Any], key: str, wanted: str) -> None:
    known = set(keys(front_matter))
    assert not holds(front_matter, key, wanted) or key in known
    for name, value in front_matter.items():
        if isinstance(value, str):
            assert holds(front_matter, name, value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert holds(front_matter, name, str(value))
