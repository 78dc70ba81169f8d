"""Splits one Markdown text into chunks: exact slices that together hold everything that is not blank.

Pure: text in, chunks out. The limit counts what is embedded, in the embedding model's own tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.blocks import parse_blocks
from ingest.chunk import Chunk
from ingest.front_matter import FrontMatter, read_front_matter
from ingest.measure import Measure, without_data_uris
from ingest.pack import pack
from ingest.pieces import Piece, divide_section
from ingest.sections import Section, find_sections, join_empty
from ingest.source_lines import line_number, line_starts

SPLITTER_VERSION: int = 1
"""Changes whenever the same text can come out in other chunks: stores built with another version are stale."""

TokenStarts = Callable[[str], Sequence[int]]
"""Ascending character offsets at which the embedding model's tokens start in a text, special tokens left out."""


@dataclass(frozen=True, slots=True)
class Split:
    """The chunks of a file in order, its front matter, and what its author may want to know ("line 40: ...")."""

    chunks: list[Chunk]
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def split(text: str, *, token_starts: TokenStarts, max_tokens: int = 200, max_chars: int = 16_000) -> Split:
    r"""Split a Markdown text.

    Every character of the body that is not blank (`str.isspace`) lies in exactly one chunk, in order. Front matter and
    a leading U+FEFF are no part of the body; other zero-width characters are. A chunk never holds text of two
    sections, except that a bare heading begins the first section below it. No chunk takes more than `max_tokens`, its
    preamble included, unless one grapheme alone does, or has more than `max_chars` characters (16,000 is safe for the
    65,535 bytes of a Milvus VARCHAR). Nothing is cut inside a grapheme (regex's `\X`) of up to `max_chars`.

    The breadcrumb begins with the front matter's title, unless the first heading repeats it. Its description stays in
    `metadata`: in every breadcrumb it would make all chunks of a file look alike.
    """
    if max_tokens < 1 or max_chars < 2:
        raise ValueError(f"max_tokens={max_tokens} and max_chars={max_chars} must be at least 1 and 2")
    front = read_front_matter(text)
    start = body_start(text, front)
    document = parse_blocks(text, start)
    measure = Measure(text, token_starts, max_tokens=max_tokens, max_chars=max_chars)
    sections = join_empty(text, find_sections(text, start, document, title_of(front)), measure.fits)
    lines = line_starts(text)
    chunks = [_chunk(text, lines, section, piece) for section in sections for piece in _pieces_of(measure, section)]
    notes = [f"line {line}: {message}" for line, message in sorted(document.notes)]
    return Split(chunks, front.metadata, [*([f"line 1: {front.problem}"] if front.problem else []), *notes])


def embedded_text(chunk: Chunk) -> str:
    """What is embedded for a chunk: its preamble and its text, without base64 data URIs."""
    return without_data_uris(chunk.preamble + chunk.text)


def body_start(text: str, front: FrontMatter) -> int:
    """Where the body starts: after the front matter, else after a byte order mark."""
    return front.end or int(text.startswith("\ufeff"))


def title_of(front: FrontMatter) -> str:
    """The title that the front matter gives, in one line; empty if it gives none."""
    title = front.metadata.get("title")
    return " ".join(title.split()) if isinstance(title, str) else ""


def _pieces_of(measure: Measure, section: Section) -> list[Piece]:
    span = measure.trim(section.start, section.end)
    if span is None:
        return []
    if measure.fits(*span):
        return [Piece(*span, 0.0)]
    return pack(measure, divide_section(measure, section.start, section.end, section.blocks))


def _chunk(text: str, lines: Sequence[int], section: Section, piece: Piece) -> Chunk:
    return Chunk(
        text=text[piece.start : piece.end],
        start=piece.start,
        end=piece.end,
        start_line=line_number(lines, piece.start),
        end_line=line_number(lines, piece.end - 1),
        headings=section.headings,
        slug=section.slug,
        section_start=section.start,
        section_end=section.end,
        preamble=piece.preamble,
    )
