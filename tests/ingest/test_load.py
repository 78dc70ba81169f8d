import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import SourceError
from ingest.find import find_docs, open_root
from ingest.load import decode, read_bytes
from store.file_hash import hash_file
from tests.support.stores import write_files


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
    root = open_root(write_files(tmp_path, {"a.md": "# a.md\n"}))
    with pytest.raises(SourceError, match=r"7 bytes, more than the limit of 6"):
        read_bytes(root, "a.md", max_bytes=6)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    root = open_root(tmp_path)
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
