import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.rag import build_chain
from chains.retrieval.staleness import mark_stale, stale_notices
from chains.schema import Evidence
from config.settings import Settings
from ingest.pipeline import ingest
from store.collection import Store
from store.file_hash import MAX_FILE_BYTES, hash_file
from store.milvus import open_store
from tests.chains.prompting.test_context import evidence
from tests.support.corpus import COFFEE, FILES, TEA
from tests.support.stores import write_files

QUESTION = "Where is tea stored?"
STORED = "## Where is tea stored?"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Path]]:
    """A store, and the folder that it was made from: tests change it, so each gets it anew."""
    folder = tmp_path_factory.mktemp("stale")
    settings = Settings(milvus_uri=str(folder / "s.db"))
    ingest(settings, write_files(folder / "handbook", FILES))
    ingest(settings, write_files(folder / "alone", {"milk.md": "# Milk\n\nMilk is kept in the fridge.\n"}) / "milk.md")
    with open_store(settings) as store:
        yield store, folder


@pytest.fixture
def handbook(world: tuple[Store, Path]) -> Path:
    shutil.rmtree(world[1] / "handbook", ignore_errors=True)
    write_files(world[1] / "alone", {"milk.md": "# Milk\n\nMilk is kept in the fridge.\n"})
    return write_files(world[1] / "handbook", FILES)


def ask(world: tuple[Store, Path], question: str = QUESTION, k: int = 1) -> Any:
    return build_chain(Settings(llm="offline", k=k), world[0]).invoke(question)


def test_nothing_is_said_of_files_that_are_as_they_were(world: tuple[Store, Path], handbook: Path) -> None:
    answer = ask(world, k=6)

    assert {source["doc"] for source in answer["sources"]} == {"tea.md", "drinks/coffee.md", "milk.md"}
    assert not any("stale" in source or "line_now" in source for source in answer["sources"])
    assert answer["notices"] == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (TEA + "\n## New\n\nMore.\n", 11),
        (TEA.replace("---\n\n", "---\n\nNew.\n\n", 1), 13),
        (TEA.replace("Longer makes it bitter.", "Longer:\n- is\n- bitter"), 13),
        (TEA.replace("a closed tin", "an open jar"), None),
        (TEA.replace("\n", "\r\n"), 11),
        ("", None),
    ],
)
def test_a_file_that_changed_is_told_with_where_the_passage_stands_now(
    world: tuple[Store, Path], handbook: Path, text: str, line: int | None
) -> None:
    (handbook / "tea.md").write_bytes(text.encode())

    answer = ask(world)

    (source,) = answer["sources"]
    assert (source["stale"], source["line_now"]) == ("changed", line)
    if line is not None:
        assert text.splitlines()[line - 1] == STORED
    assert answer["notices"] == ["tea.md changed since the last ingest; run: askmd ingest PATH"]


def test_one_sentence_names_what_changed_and_what_is_gone(world: tuple[Store, Path], handbook: Path) -> None:
    (handbook / "tea.md").unlink()
    (handbook / "drinks" / "coffee.md").write_text(COFFEE + "More.\n", "utf-8")

    answer = ask(world, k=6)

    assert {source["doc"]: source.get("stale") for source in answer["sources"]} == {
        "tea.md": "gone",
        "drinks/coffee.md": "changed",
        "milk.md": None,
    }
    assert answer["notices"] == [
        "drinks/coffee.md changed and tea.md vanished since the last ingest; run: askmd ingest PATH"
    ]


def test_a_file_that_is_not_utf8_any_more_has_changed_and_that_is_all_that_can_be_told(
    world: tuple[Store, Path], handbook: Path
) -> None:
    (handbook / "tea.md").write_bytes(TEA.encode("utf-16"))

    (source,) = ask(world)["sources"]

    assert source["stale"] == "changed"
    assert "line_now" not in source


def test_a_root_that_is_not_there_tells_nothing(world: tuple[Store, Path], handbook: Path) -> None:
    """The folder lies on another machine, or its disc is not mounted."""
    handbook.rename(handbook.with_name("away"))

    answer = ask(world)

    shutil.rmtree(handbook.with_name("away"))
    assert "stale" not in answer["sources"][0]
    assert answer["notices"] == []


def test_a_single_file_that_was_ingested_is_looked_at_too(world: tuple[Store, Path], handbook: Path) -> None:
    milk = handbook.with_name("alone") / "milk.md"
    question = "Is the milk in the fridge?"

    milk.write_text("# Milk\n\nMilk is sour.\n", "utf-8")
    changed = ask(world, question)["sources"][0]
    milk.unlink()
    gone = ask(world, question)["sources"][0]

    assert (changed["doc"], changed["stale"], changed["line_now"]) == ("milk.md", "changed", None)
    assert gone["stale"] == "gone"


@pytest.mark.parametrize("into", ["file", "folder"])
def test_a_link_that_leads_out_of_the_root_is_not_followed(
    world: tuple[Store, Path], handbook: Path, tmp_path: Path, into: str
) -> None:
    """What it leads to is the very text that was ingested: whoever read it would find nothing wrong."""
    shutil.copytree(handbook, tmp_path / "outside")
    place = "tea.md" if into == "file" else "drinks"
    (handbook / "tea.md").unlink()
    shutil.rmtree(handbook / "drinks")
    (handbook / place).symlink_to(tmp_path / "outside" / place)

    answer = ask(world, k=6)

    assert {source.get("stale") for source in answer["sources"] if source["doc"] != "milk.md"} == {"gone"}


def test_a_link_inside_the_root_is_followed(world: tuple[Store, Path], handbook: Path) -> None:
    (handbook / "tea.md").rename(handbook / "leaves.md")
    (handbook / "tea.md").symlink_to("leaves.md")

    assert "stale" not in ask(world)["sources"][0]


def passage(path: Path, doc: str, text: str = "Secret.") -> Evidence:
    return evidence(text, path=str(path), doc=doc, file_hash="0" * 32)


def test_a_store_cannot_have_other_files_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    secret = tmp_path / "secret.md"
    secret.write_text("Secret.", "utf-8")

    tricks = [
        passage(root / ".." / "secret.md", "../secret.md"),
        passage(secret, str(secret)),
        passage(root / "a" / ".." / ".." / "secret.md", "a/../../secret.md"),
        passage(secret, "other.md"),
        passage(secret, ""),
        passage(secret, "."),
        passage(Path("secret.md"), "secret.md"),
        passage(root / "a\0.md", "a\0.md"),
        passage(Path(), "secret.md"),
    ]

    assert mark_stale(tricks) == tricks
    assert stale_notices(mark_stale(tricks)) == []


def test_what_is_no_file_is_gone_and_never_waited_for(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "plain.md").write_text("x", "utf-8")
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "loop.md").symlink_to("loop.md")

    docs = ["folder.md", "pipe.md", "plain.md/deeper.md"]
    marked = mark_stale([passage(tmp_path / doc, doc) for doc in docs])

    assert [each.get("stale") for each in marked] == ["gone"] * 3
    assert "stale" not in mark_stale([passage(tmp_path / "loop.md", "loop.md")])[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x", "utf-8")
    (tmp_path / "a.md").chmod(0)

    assert "stale" not in mark_stale([passage(tmp_path / "a.md", "a.md")])[0]


def test_a_file_that_grew_beyond_what_ingest_takes_has_changed(tmp_path: Path) -> None:
    with (tmp_path / "a.md").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)

    (marked,) = mark_stale([passage(tmp_path / "a.md", "a.md")])

    assert marked["stale"] == "changed"
    assert "line_now" not in marked


@given(
    before=st.text("ab\n", max_size=20),
    text=st.text("ab\n", min_size=1, max_size=5),
    after=st.text("ab\n", max_size=20),
)
def test_the_line_is_one_at_which_the_passage_begins(
    tmp_path_factory: pytest.TempPathFactory, before: str, text: str, after: str
) -> None:
    file = tmp_path_factory.mktemp("h") / "a.md"
    now = before + text + after
    file.write_bytes(now.encode())
    was = evidence(text, path=str(file), doc="a.md", file_hash=hash_file(b"else"), start=7)

    (marked,) = mark_stale([was])

    begins = {now.count("\n", 0, at) + 1 for at in range(len(now)) if now.startswith(text, at)}
    assert marked["line_now"] in begins


def test_of_several_places_the_nearest_counts(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("same\n" * 9, "utf-8")
    was = evidence("same\n", path=str(file), doc="a.md", file_hash="0", start=21)

    assert mark_stale([was])[0]["line_now"] == 5


def test_many_files_are_counted_not_listed() -> None:
    stale = [evidence("x", doc=f"{n}.md", stale="gone") for n in (1, 2, 3, 4, 5, 5)]

    assert stale_notices(stale) == [
        "1.md, 2.md, 3.md and 2 more vanished since the last ingest; run: askmd ingest PATH"
    ]
