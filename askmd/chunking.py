"""`askmd chunks`: how a file is cut, so that one sees it at a glance."""

from pathlib import Path
from typing import Any

import typer

from config.errors import SourceError
from config.settings import Settings
from ingest.find import open_root
from ingest.load import SourceFile, decode, read_bytes
from ingest.split import Split
from ingest.splitter import make_splitter
from store.embeddings import configured_embeddings

SHOWN_CHARACTERS = 72


def cut(settings: Settings, file: Path) -> tuple[SourceFile, Split]:
    """Read a file and split it as ingest would. Raises SourceError."""
    root = open_root(file)
    if root.only is None:
        raise SourceError(f"{file} is a folder; give one file")
    doc = root.only
    source = decode(doc, read_bytes(root, doc))
    return source, make_splitter(settings, configured_embeddings(settings))(source.text)


def to_hits(source: SourceFile, split: Split) -> list[dict[str, Any]]:
    """Give the chunks in the form of hits, without scores."""
    return [
        {
            "doc": source.doc,
            "start": chunk.start,
            "end": chunk.end,
            "start_line": chunk.start_line,
            "end_line": chunk.end_line,
            "headings": list(chunk.headings),
            "slug": chunk.slug,
            "text": chunk.text,
        }
        for chunk in split.chunks
    ]


def print_chunks(source: SourceFile, split: Split) -> None:
    """Show a line for each section, and under it a line for each of its chunks: place, size, first and last words."""
    section = None
    for number, chunk in enumerate(split.chunks, 1):
        if (chunk.section_start, chunk.headings) != section:
            section = (chunk.section_start, chunk.headings)
            typer.secho(" › ".join(chunk.headings) or source.doc, bold=True)
        lines = f"{chunk.start_line}-{chunk.end_line}"
        typer.echo(f"  {number:>4}  lines {lines:<11} {len(chunk.text):>5} chars  {_glimpse(chunk.text)}")
        if chunk.preamble:
            typer.echo(f"        embedded with: {_glimpse(chunk.preamble)}")
    for note in (*source.notes, *split.notes):
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{len(split.chunks)} chunks")


def _glimpse(text: str) -> str:
    words = " ".join(text.split())
    if len(words) <= SHOWN_CHARACTERS:
        return words
    return f"{words[: SHOWN_CHARACTERS - 20]} … {words[-17:]}"
