from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import SourceError
from config.settings import Settings
from ingest.find import Found, find_docs, open_root
from ingest.ingestion import Ingestion
from ingest.local_engine import LocalEngine
from ingest.report import Report, SyncReport
from ingest.split import split
from ingest.sync import sync
from store.collection import Store
from store.filters import equals
from store.fingerprint import Fingerprint
from store.milvus import open_or_create_store
from store.rows import SHOWN_FIELDS
from tests.support.backends import Backend
from tests.support.stores import DIM, CountingEncoder, word_starts, write_files

FINGERPRINT = Fingerprint(
    embedding="counting+counting", dims=(DIM, DIM), lexical=1, splitter="askmd 1", chunk_tokens=20, parts=1
)
ONE_VECTOR = replace(FINGERPRINT, embedding="counting", dims=(DIM,))
LONG = "\n\n".join(f"Paragraph {n} speaks of the matter number {n} at some length and then ends." for n in range(9))
FILES = {"a.md": f"# A\n\n{LONG}\n", "sub/b.md": "# B\n\nOne.\n\n## C\n\nTwo.\n", "d.md": "# D\n\nThree.\n"}


@pytest.fixture
def store(milvus: Backend, tmp_path: Path) -> Iterator[Store]:
    """An empty collection on each kind of Milvus."""
    fingerprint = FINGERPRINT if milvus.several_vectors else ONE_VECTOR
    with open_or_create_store(milvus.settings(tmp_path), fingerprint) as opened:
        yield opened


class Workbench:
    """A folder that is synced into a store, and what the encoder was given by it."""

    def __init__(self, store: Store, folder: Path, name: str = "docs") -> None:
        self.store, self.folder, self.name = store, folder, name
        self.encoder = CountingEncoder()
        self.encoders = [self.encoder, CountingEncoder()][: len(store.vector_fields)]

    def sync(self, files: dict[str, str], **options: Any) -> SyncReport:
        root = open_root(write_files(self.folder, files), self.name)
        ingestion = Ingestion(
            root=root,
            found=find_docs(root),
            engine=LocalEngine(partial(split, token_starts=word_starts, max_tokens=20), self.encoders),
        )
        self.encoder.texts.clear()
        return sync(self.store, replace(ingestion, **options))

    def rows(self) -> dict[str, dict[str, Any]]:
        fields = [*SHOWN_FIELDS, *self.store.embedded_fields, *["lexical"] * self.store.fingerprint.lexical]
        return {row["id"]: row for row in self.store.rows(equals("root", self.name), fields)}


@pytest.fixture
def bench(store: Store, tmp_path: Path) -> Workbench:
    return Workbench(store, tmp_path / "docs")


@pytest.fixture
def file_bench(tmp_path: Path) -> Iterator[Workbench]:
    """On a file alone, for what takes a hundred syncs."""
    with open_or_create_store(Settings(milvus_uri=str(tmp_path / "s.db")), FINGERPRINT) as opened:
        yield Workbench(opened, tmp_path / "docs")


def counts(report: SyncReport) -> tuple[int, int, int, int, int]:
    return report.added, report.changed, report.moved, report.deleted, report.unchanged


def test_rows_are_exact_slices_with_their_place(bench: Workbench) -> None:
    report = bench.sync(FILES)

    rows = bench.rows()
    assert counts(report) == (3, 0, 0, 0, 0)
    assert report.chunks == report.embedded == len(rows) > 8
    for row in rows.values():
        text = FILES[row["doc"]]
        assert row["text"] == text[row["start"] : row["end"]]
        assert row["vector"] == row[bench.store.vector_fields[-1]]
        assert row["id"] in row["near"]
        assert text[row["end"] :].startswith(row["gap"])
        assert row["start_line"] == text.count("\n", 0, row["start"]) + 1
    assert {tuple(row["headings"]) for row in rows.values()} == {("A",), ("B",), ("B", "C"), ("D",)}


def test_a_second_run_does_nothing(bench: Workbench) -> None:
    bench.sync(FILES)
    before = bench.rows()

    report = bench.sync(FILES)

    assert counts(report) == (0, 0, 0, 0, 3)
    assert (report.embedded, bench.encoder.texts, report.chunks) == (0, [], len(before))
    assert bench.rows() == before


def test_a_changed_file_costs_only_its_changed_chunks(bench: Workbench) -> None:
    bench.sync(FILES)

    report = bench.sync({**FILES, "a.md": FILES["a.md"].replace("matter number 4", "affair number 4")})

    assert counts(report) == (0, 1, 0, 0, 2)
    assert len(bench.encoder.texts) == 1
    assert "affair number 4" in bench.encoder.texts[0]
    assert not any("matter number 4" in row["text"] for row in bench.rows().values())


def test_text_that_only_moved_in_its_file_gets_its_new_place_for_nothing(bench: Workbench) -> None:
    bench.sync(FILES)

    report = bench.sync({**FILES, "sub/b.md": "\n\n" + FILES["sub/b.md"]})

    assert (report.changed, report.embedded) == (1, 0)
    assert min(row["start_line"] for row in bench.rows().values() if row["doc"] == "sub/b.md") == 3


def test_a_moved_file_costs_nothing_and_leaves_nothing_behind(bench: Workbench) -> None:
    bench.sync(FILES)

    report = bench.sync({"new/a.md": FILES["a.md"], "sub/b.md": FILES["sub/b.md"], "d.md": FILES["d.md"]})

    assert counts(report) == (0, 0, 1, 0, 2)
    assert bench.encoder.texts == []
    assert {row["doc"] for row in bench.rows().values()} == {"new/a.md", "sub/b.md", "d.md"}


def test_a_deleted_file_disappears(bench: Workbench) -> None:
    bench.sync(FILES)

    report = bench.sync({"d.md": FILES["d.md"]})

    assert counts(report) == (0, 0, 0, 2, 1)
    assert {row["doc"] for row in bench.rows().values()} == {"d.md"}
    assert report.chunks == 1


def test_a_root_is_not_emptied_by_an_empty_scan(bench: Workbench) -> None:
    bench.sync(FILES)
    before = bench.rows()

    with pytest.raises(SourceError, match=r"no Markdown under .*, but 3 of its files .*--allow-empty"):
        bench.sync({})
    assert bench.rows() == before

    assert bench.sync({}, allow_empty=True).deleted == 3
    assert bench.rows() == {}


def test_another_root_with_the_same_files_is_not_touched(bench: Workbench, store: Store, tmp_path: Path) -> None:
    bench.sync(FILES)
    other = Workbench(store, tmp_path / "other", name="other")

    report = other.sync(FILES)
    assert report.embedded == 0
    assert len(other.rows()) == len(bench.rows())
    before = other.rows()

    bench.sync({"d.md": "# D\n\nAnother text.\n"})
    assert other.rows() == before


def test_a_dry_run_counts_and_writes_nothing(bench: Workbench) -> None:
    bench.sync(FILES)
    before = bench.rows()

    planned = bench.sync({"a.md": FILES["a.md"] + "\nMore.\n", "e.md": FILES["d.md"], "f.md": "# F\n"}, dry_run=True)
    assert bench.rows() == before

    done = bench.sync({"a.md": FILES["a.md"] + "\nMore.\n", "e.md": FILES["d.md"], "f.md": "# F\n"})
    assert counts(planned) == counts(done) == (1, 1, 1, 1, 0)
    assert (planned.chunks, planned.embedded) == (done.chunks, done.embedded)


def test_a_text_is_embedded_once_however_far_apart_it_stands(bench: Workbench) -> None:
    sections = "\n".join(f"## Section {n}\n\nWords of number {n}.\n" for n in range(600))
    files = {f"{name}.md": f"# {name}\n\nIn all files.\n\n{sections}" for name in "abcd"}
    planned = bench.sync(files, dry_run=True)
    report = bench.sync(files)
    assert report.chunks == 4 * 601
    assert planned.embedded == report.embedded == len(bench.encoder.texts) == len(set(bench.encoder.texts)) == 604


def test_a_file_that_can_not_be_read_is_reported_and_its_rows_stay(bench: Workbench) -> None:
    bench.sync(FILES)

    report = bench.sync({**FILES, "d.md": "# D\n" + "x" * 2_000}, max_file_bytes=1_000)

    told = [] if bench.store.fingerprint.lexical else [("docs", False)]  # that this Milvus has no BM25
    assert [(each.doc, each.skipped) for each in report.reported] == [("d.md", True), *told]
    assert report.skipped == 1
    assert "d.md" in {row["doc"] for row in bench.rows().values()}


def test_files_in_a_folder_that_can_not_be_read_keep_their_rows(bench: Workbench) -> None:
    bench.sync(FILES)
    unreadable = Report("sub", "the folder cannot be read: Permission denied", skipped=True)

    report = bench.sync({"d.md": FILES["d.md"]}, found=Found(["d.md"], [unreadable]))

    assert (counts(report), report.skipped) == ((0, 0, 0, 1, 1), 1)
    assert {row["doc"] for row in bench.rows().values()} == {"sub/b.md", "d.md"}


def test_a_refused_sync_does_not_move_the_root(bench: Workbench, tmp_path: Path) -> None:
    bench.sync(FILES)
    (tmp_path / "empty").mkdir()
    elsewhere = Workbench(bench.store, tmp_path / "empty")

    with pytest.raises(SourceError, match="--allow-empty"):
        elsewhere.sync({})

    assert bench.store.roots() == {"docs": str(tmp_path / "docs")}


def test_a_file_without_text_is_reported(bench: Workbench) -> None:
    report = bench.sync({"empty.md": "", "blank.md": "\n \n", "front.md": "---\ntitle: T\n---\n"})

    assert {(each.doc, each.reason) for each in report.reported} >= {
        (doc, "nothing to index in it") for doc in ("empty.md", "blank.md", "front.md")
    }
    assert (report.skipped, report.chunks) == (0, 0)


def test_equal_chunks_in_one_file_are_all_kept(bench: Workbench) -> None:
    text = "# A\n\n## Fix\n\nSame text.\n\n## Fix\n\nSame text.\n"

    report = bench.sync({"a.md": text})

    same = [row for row in bench.rows().values() if "Same text." in row["text"]]
    assert len(same) == 2
    assert {row["slug"] for row in same} == {"fix", "fix-1"}
    assert report.embedded == len({row["text"] for row in bench.rows().values()})


def break_off(bench: Workbench, stop_after: int, clean: Settings) -> None:
    """Leave the state between two writes of a run, as a killed process leaves it; compare the next run's with a new one's."""
    changed = {
        "a.md": FILES["a.md"].replace("Paragraph 0", "Clause 0"),
        "moved.md": FILES["d.md"],
        "n.md": "# N\n\nNew.\n",
    }
    bench.sync(FILES)
    with pytest.raises(KeyboardInterrupt):
        Workbench(BreakingStore(bench.store, stop_after), bench.folder).sync(changed)

    bench.sync(changed)

    with open_or_create_store(clean, bench.store.fingerprint) as fresh:
        other = Workbench(fresh, bench.folder)
        other.sync(changed)
        assert bench.rows() == other.rows()


@pytest.mark.parametrize("stop_after", range(5))
def test_what_a_run_that_broke_off_left_behind_is_made_good(
    file_bench: Workbench, stop_after: int, tmp_path: Path
) -> None:
    break_off(file_bench, stop_after, Settings(milvus_uri=str(tmp_path / "clean.db")))


@pytest.mark.parametrize("stop_after", range(3))
def test_rows_of_a_file_that_a_run_broke_off_in_are_gone_when_the_file_is(
    milvus: Backend, bench: Workbench, stop_after: int
) -> None:
    bench.sync(FILES)
    with pytest.raises(KeyboardInterrupt):
        Workbench(BreakingStore(bench.store, stop_after), bench.folder).sync({**FILES, "n.md": f"# N\n\n{LONG}\n"})

    report = bench.sync(FILES)

    assert {row["doc"] for row in bench.rows().values()} == FILES.keys()
    assert report.chunks == len(bench.rows())


def test_it_is_made_good_on_each_kind_of_milvus(milvus: Backend, bench: Workbench, tmp_path: Path) -> None:
    break_off(bench, 2, milvus.settings(tmp_path / "clean"))


class BreakingStore(Store):
    """A store whose process ends after a number of writes."""

    def __init__(self, store: Store, writes: int) -> None:
        super().__init__(store.settings, store.client, store.target, store.fingerprint, store.consistency)
        object.__setattr__(self, "left", [None] * writes)

    left: list[None]

    def upsert(self, rows: Any) -> None:
        self._stop()
        super().upsert(rows)

    def delete(self, ids: Any) -> None:
        self._stop()
        super().delete(ids)

    def flush(self) -> None:
        self._stop()
        super().flush()

    def _stop(self) -> None:
        if not self.left:
            raise KeyboardInterrupt
        self.left.pop()


_text = st.lists(
    st.sampled_from(["# A\n", "## B\n", "one two three\n", "\n", "four\n", "```\n", "- item\n", LONG[:200] + "\n"]),
    max_size=8,
).map("".join)
_trees = st.dictionaries(st.sampled_from(["a.md", "b.md", "c/d.md", "e.md"]), _text, min_size=1, max_size=4)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=_trees, after=_trees)
def test_any_change_ends_where_a_clean_ingest_ends(
    file_bench: Workbench, before: dict[str, str], after: dict[str, str]
) -> None:
    bench = file_bench
    bench.sync(before, allow_empty=True)
    bench.sync(after, allow_empty=True)
    synced = bench.rows()
    again = bench.sync(after, allow_empty=True)
    assert (again.embedded, again.changed + again.added + again.moved + again.deleted) == (0, 0)

    bench.store.delete_root("docs")
    bench.sync(after, allow_empty=True)
    assert bench.rows() == synced


def test_words_weigh_after_changes_what_they_weigh_after_a_clean_ingest(tmp_path: Path) -> None:
    """Milvus Lite counts in how many rows a word stands for each of its segments alone."""
    one, other = (Settings(milvus_uri=str(tmp_path / f"{name}.db")) for name in ("one", "other"))
    changed = {**FILES, "sub/b.md": "# B\n\nOne matter.\n\n## C\n\nTwo.\n", "e.md": "# E\n\nOne more matter.\n"}
    for files in (FILES, {**FILES, "d.md": "# D\n\nFour.\n"}, changed):
        with open_or_create_store(one, FINGERPRINT) as store:
            Workbench(store, tmp_path / "docs").sync(files)
    with open_or_create_store(other, FINGERPRINT) as store:
        Workbench(store, tmp_path / "docs").sync(changed)

    with open_or_create_store(one, FINGERPRINT) as store:
        after_changes = dict(store.matching("one matter", 50, ""))
    with open_or_create_store(other, FINGERPRINT) as store:
        assert after_changes == pytest.approx(dict(store.matching("one matter", 50, "")))
    assert len(after_changes) > len(FILES)


def test_a_milvus_without_bm25_is_told_and_works(tmp_path: Path) -> None:
    with open_or_create_store(Settings(milvus_uri=str(tmp_path / "old.db")), replace(FINGERPRINT, lexical=0)) as old:
        report = Workbench(old, tmp_path / "docs").sync(FILES)

        assert [told.reason for told in report.reported] == [
            "this Milvus has no BM25 (2.5 does): words are not searched for"
        ]
        assert old.matching("matter", 10, "") == []
        assert (
            len(old.nearest("vector", CountingEncoder().embed_in_parts(["One."])[0][0], 100, ""))
            == old.count()
            == report.chunks
        )
