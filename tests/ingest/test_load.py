import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import SourceError
from ingest.load import Root, decode, find_docs, open_root, read_bytes
from store.file_hash import hash_file


def write(folder: Path, *docs: str) -> Root:
    for doc in docs:
        (folder / doc).parent.mkdir(parents=True, exist_ok=True)
        (folder / doc).write_text(f"# {doc}\n", "utf-8")
    return open_root(folder, "root")


def test_markdown_is_found_whatever_its_name(tmp_path: Path) -> None:
    root = write(tmp_path, "b.md", "a/x.markdown", "a/y.mdx", "файл с пробелом.MD", "a/日本語.md", "c.txt", "README")

    assert find_docs(root).docs == ["a/x.markdown", "a/y.mdx", "a/日本語.md", "b.md", "файл с пробелом.MD"]


def test_hidden_and_ignored_files_are_left_out(tmp_path: Path) -> None:
    root = write(tmp_path, ".hidden/a.md", ".b.md", "build/c.md", "d.md", "sub/e.md", "sub/keep.md", "sub/f.draft.md")
    (tmp_path / ".gitignore").write_text("/build/\n*.draft.md\nsub/*.md\n", "utf-8")
    (tmp_path / "sub" / ".askmdignore").write_text("!keep.md\n", "utf-8")

    assert find_docs(root).docs == ["d.md", "sub/keep.md"]


def test_include_takes_the_place_of_the_usual_names_and_exclude_has_the_last_word(tmp_path: Path) -> None:
    root = write(tmp_path, "a.md", "b.txt", "old/c.txt", "d.rst")

    assert find_docs(root, include=["*.txt", "*.rst"], exclude=["old/"]).docs == ["b.txt", "d.rst"]


def test_links_are_followed_inside_the_root_only_and_never_in_a_circle(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    root = write(tmp_path / "root", "a/b.md")
    write(outside, "secret.md")
    (root.folder / "a" / "loop").symlink_to(root.folder, target_is_directory=True)
    (root.folder / "out").symlink_to(outside, target_is_directory=True)
    (root.folder / "out.md").symlink_to(outside / "secret.md")
    (root.folder / "in.md").symlink_to(root.folder / "a" / "b.md")
    (root.folder / "twin").symlink_to(root.folder / "a", target_is_directory=True)
    (root.folder / "dangling.md").symlink_to(root.folder / "nowhere.md")

    docs = find_docs(root).docs

    assert docs == ["a/b.md", "dangling.md", "in.md", "twin/b.md"]
    with pytest.raises(SourceError, match="No such file"):
        read_bytes(root, "dangling.md")


def test_a_folder_that_can_not_be_read_is_reported() -> None:
    me = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:  # pytest keeps its own folders from other users
        root = write(Path(folder), "a.md", "locked/b.md")
        root.folder.chmod(0o755)
        (root.folder / "locked").chmod(0)
        os.seteuid(me or 65534)  # nothing is locked for root
        try:
            found = find_docs(root)
        finally:
            os.seteuid(me)
            (root.folder / "locked").chmod(0o755)

    assert found.docs == ["a.md"]
    assert [(each.doc, each.skipped) for each in found.unreadable] == [("locked", True)]
    assert (found.covers("locked/b.md"), found.covers("a.md")) == (False, True)


def test_a_single_file_is_a_root_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.md")

    root = open_root(tmp_path / "a.md")

    assert (root.name, find_docs(root).docs, root.location) == ("a.md", ["a.md"], tmp_path / "a.md")


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere does not exist"):
        open_root(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("data", "text", "note"),
    [
        ("Ärger\r\nэто\rx\n".encode(), "Ärger\r\nэто\rx\n", None),
        ("\ufeff# T\n".encode(), "\ufeff# T\n", None),
        ("# Tä\n".encode("utf-16"), "# Tä\n", None),
        ("# Tä\n".encode("utf-32"), "# Tä\n", None),
        (b"a\0b", "a\ufffdb", "1 NUL and 0 lone surrogate"),
        (b"a\xed\xa0\x80b", "a\ufffdb", "0 NUL and 1 lone surrogate"),
        (
            "это обычный русский текст, и в нём есть слова".encode() + b"\xff",
            None,
            "1 damaged characters were replaced",
        ),
        (
            "# Заголовок\n\nЭто обычный русский текст, в нём довольно много слов.\n".encode("cp1251"),
            None,
            "which is a guess",
        ),
    ],
)
def test_files_are_decoded_and_repairs_are_noted(data: bytes, text: str | None, note: str | None) -> None:
    source = decode("x.md", data)

    assert source.text == (text if text is not None else source.text)
    assert len(source.notes) == (note is not None)
    assert all(note in each for each in source.notes if note)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "# Заголовок\n\nЭто обычный русский текст, в нём довольно много разных слов, и все они читаются.\n"),
        ("gb18030", "# 标题\n\n这是一个普通的中文句子，里面有很多不同的词，并且可以读懂。`code` 也在里面。\n"),
        ("shift_jis", "# 見出し\n\nこれは日本語の文章です。エンコーディングを判定するために書かれています。\n"),
        ("cp1252", "# Überschrift\n\nGrüße aus München, wo es schöne Straßen gibt, die über Brücken führen.\n"),
    ],
)
def test_a_guessed_encoding_gives_the_words(encoding: str, text: str) -> None:
    assert decode("x.md", text.encode(encoding)).text == text


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(SourceError, match="not text in any encoding"):
        decode("x.md", bytes(range(256)) * 40)


def test_a_file_over_the_limit_is_refused_without_reading_it(tmp_path: Path) -> None:
    root = write(tmp_path, "a.md")
    with pytest.raises(SourceError, match=r"7 bytes, more than the limit of 6"):
        read_bytes(root, "a.md", max_bytes=6)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path)
    name = os.fsdecode(b"\xff.md")
    (tmp_path / name).write_text("x", "utf-8")

    assert find_docs(root).docs == [name]
    with pytest.raises(SourceError, match="not valid Unicode"):
        read_bytes(root, name)


@given(st.binary(max_size=300))
def test_any_bytes_give_clean_text_or_a_reason(data: bytes) -> None:
    try:
        source = decode("x.md", data)
    except SourceError:
        return
    assert source.file_hash == hash_file(data)
    assert "\0" not in source.text
    source.text.encode("utf-8")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300))
def test_utf8_is_read_as_it_is(text: str) -> None:
    assert decode("x.md", text.encode()).text == text or text.startswith(("\ufeff", "\ufffe"))
