"""LangChain's Markdown splitter, for comparison: the chunks that it makes, found again in the file.

MarkdownHeaderTextSplitter strips every line and deletes what `str.isprintable` refuses, and keeps no offsets. Its
chunks are therefore looked up by their visible characters; the exact slice around them becomes the chunk.
"""

from dataclasses import dataclass

from ingest.chunk import Chunk
from ingest.front_matter import read_front_matter
from ingest.headings import Slugger
from ingest.sections import breadcrumb
from ingest.source_lines import line_number, line_starts
from ingest.split import Split, TokenStarts, body_start, title_of

_SECTION_KEYS = [("#" * level, str(level)) for level in range(1, 7)]
_AHEAD = 10_000  # visible characters that may be missing before a chunk


@dataclass(frozen=True, slots=True)
class _Part:
    """What LangChain takes for a section: its headings and its texts."""

    headings: list[str]
    texts: list[str]


def split_with_langchain(
    text: str, *, token_starts: TokenStarts, max_tokens: int = 200, max_chars: int = 16_000
) -> Split:
    """Split with MarkdownHeaderTextSplitter and RecursiveCharacterTextSplitter, limited like `split`.

    Each chunk is an exact slice; chunks that can not be found again, or are over `max_chars` with the blanks that
    LangChain had dropped, are left out and counted in the notes. Unlike `split`, this may lose text, and a chunk's
    tokens are counted before its blanks are restored.
    """
    front = read_front_matter(text)
    body = body_start(text, front)
    notes = [f"line 1: {front.problem}"] if front.problem else []
    parts, failure = _parts(text[body:], token_starts, max_tokens, max_chars)
    if failure:
        notes.append(failure)
    finder = _Finder(text, body, max_chars)
    lines = line_starts(text)
    slugger = Slugger()
    chunks: list[Chunk] = []
    for part in parts:
        slug = slugger.slug(part.headings[-1]) if part.headings else ""
        headings = breadcrumb(title_of(front), part.headings)
        spans = [span for span in map(finder.find, part.texts) if span is not None]
        chunks.extend(
            Chunk(
                text=text[start:end],
                start=start,
                end=end,
                start_line=line_number(lines, start),
                end_line=line_number(lines, end - 1),
                headings=headings,
                slug=slug,
                section_start=spans[0][0],
                section_end=spans[-1][1],
            )
            for start, end in spans
        )
    if finder.lost:
        notes.append(f"{finder.lost} of LangChain's chunks can not be found in the file: left out")
    return Split(chunks, front.metadata, notes)


class _Finder:
    """Finds chunks in `text[start:]`, one after the other, by their visible characters."""

    def __init__(self, text: str, start: int, max_chars: int) -> None:
        self.places = [place for place in range(start, len(text)) if _visible(text[place])]
        self.visible = "".join(text[place] for place in self.places)
        self.max_chars = max_chars
        self.cursor = 0
        self.lost = 0

    def find(self, piece: str) -> tuple[int, int] | None:
        """The span of a chunk; None (and counted) if it is not there or too long."""
        wanted = "".join(filter(_visible, piece))
        if not wanted:
            return None
        found = self.visible.find(wanted, self.cursor, self.cursor + len(wanted) + _AHEAD)
        if found >= 0:
            self.cursor = found + len(wanted)
            start, end = self.places[found], self.places[self.cursor - 1] + 1
            if end - start <= self.max_chars:
                return start, end
        self.lost += 1
        return None


def _visible(character: str) -> bool:
    return character != " " and character.isprintable()


def _parts(body: str, token_starts: TokenStarts, max_tokens: int, max_chars: int) -> tuple[list[_Part], str | None]:
    from langchain_text_splitters import MarkdownHeaderTextSplitter, RecursiveCharacterTextSplitter

    def length(piece: str) -> int:
        return max(len(token_starts(piece)), -(-len(piece) * max_tokens // max_chars))

    by_size = RecursiveCharacterTextSplitter(chunk_size=max_tokens, chunk_overlap=0, length_function=length)
    by_header = MarkdownHeaderTextSplitter(_SECTION_KEYS, strip_headers=False)
    try:
        documents = by_header.split_text(body)
    except IndexError:  # a section that ends in an empty line of code
        return [_Part([], by_size.split_text(body))], "MarkdownHeaderTextSplitter failed: split by size alone"
    sections = [([title for _, title in sorted(one.metadata.items())], one.page_content) for one in documents]
    return [_Part(headings, by_size.split_text(content)) for headings, content in sections], None
