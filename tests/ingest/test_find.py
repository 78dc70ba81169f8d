import os
import tempfile
from pathlib import Path

import pytest

from config.errors import SourceError
from ingest.find import Root, find_docs, open_root
from ingest.load import read_bytes


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
    outside, folder = tmp_path / "outside", tmp_path / "root"
    root = write(folder, "a/b.md")
    write(outside, "secret.md")
    (folder / "a" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "out").symlink_to(outside, target_is_directory=True)
    (folder / "out.md").symlink_to(outside / "secret.md")
    (folder / "in.md").symlink_to(folder / "a" / "b.md")
    (folder / "twin").symlink_to(folder / "a", target_is_directory=True)
    (folder / "dangling.md").symlink_to(folder / "nowhere.md")

    docs = find_docs(root).docs

    assert docs == ["a/b.md", "dangling.md", "in.md", "twin/b.md"]
    with pytest.raises(SourceError, match="No such file"):
        read_bytes(root, "dangling.md")


def test_a_folder_that_can_not_be_read_is_reported() -> None:
    me = os.geteuid()
    with tempfile.TemporaryDirectory() as name:  # pytest keeps its own folders from other users
        folder = Path(name)
        root = write(folder, "a.md", "locked/b.md")
        folder.chmod(0o755)
        (folder / "locked").chmod(0)
        os.seteuid(me or 65534)  # nothing is locked for root
        try:
            found = find_docs(root)
        finally:
            os.seteuid(me)
            (folder / "locked").chmod(0o755)

    assert found.docs == ["a.md"]
    assert [(each.doc, each.skipped) for each in found.unreadable] == [("locked", True)]
    assert (found.covers("locked/b.md"), found.covers("a.md")) == (False, True)


def test_a_single_file_is_a_root_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.md")

    root = open_root(tmp_path / "a.md")

    assert (root.name, find_docs(root).docs, root.location) == ("a.md", ["a.md"], str(tmp_path / "a.md"))


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere does not exist"):
        open_root(tmp_path / "nowhere")
