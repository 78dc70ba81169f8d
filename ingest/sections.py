"""Sections of a document: what stands between one heading and the next, with breadcrumb and anchor."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ingest.blocks import Block, Document
from ingest.headings import HtmlHeading, Slugger, Title, html_headings, read_title, visible_text

_LONGEST_TITLE = 200  # characters of one element of the breadcrumb


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (none before the first one) and the blocks up to the next heading of any level.

    `headings` is the breadcrumb: the titles of the enclosing headings and its own, outermost first. `level` is 0 for
    what stands before the first heading.
    """

    start: int
    end: int
    level: int
    headings: tuple[str, ...]
    slug: str
    blocks: tuple[Block, ...]


@dataclass(slots=True)
class _Opened:
    """A section being collected."""

    start: int
    level: int = 0
    title: str = ""
    slug: str = ""
    blocks: list[Block] = field(default_factory=list)


def find_sections(text: str, start: int, document: Document, title: str = "") -> list[Section]:
    """Divide `text[start:]` at its top-level headings, Markdown and HTML.

    `title` (from the front matter) heads the breadcrumb unless the outermost heading says the same. Headings inside
    quotes and lists divide nothing; like GitHub, they count when anchors are numbered.
    """
    opened = _collect(text, start, document)
    ends = [*(section.start for section in opened[1:]), len(text)]
    sections = []
    above: list[_Opened] = []
    for section, end in zip(opened, ends, strict=True):
        if section.level:
            while above and above[-1].level >= section.level:
                above.pop()
            above.append(section)
        headings = breadcrumb(title, [heading.title for heading in above])
        sections.append(Section(section.start, end, section.level, headings, section.slug, tuple(section.blocks)))
    return [section for section in sections if section.blocks or text[section.start : section.end].strip()]


def join_empty(text: str, sections: Sequence[Section], fits: Callable[[int, int], bool]) -> list[Section]:
    """Let a section that says nothing (a bare heading, comments, anchors) begin the first section below it.

    Only where the result still is one chunk, or the section below is over the limit in any case. Siblings are never
    joined: that was measured to cost recall.
    """
    joined: list[Section] = []
    for section in reversed(sections):
        below = joined[-1] if joined else None
        if below and below.level > section.level and _says_nothing(text, section):
            long = not fits(below.start, below.end)
            if fits(section.start, below.end) or (long and fits(section.start, below.blocks[0].end)):
                joined[-1] = replace(below, start=section.start, blocks=section.blocks + below.blocks)
                continue
        joined.append(section)
    return joined[::-1]


def _collect(text: str, start: int, document: Document) -> list[_Opened]:
    slugger = Slugger()
    sections = [_Opened(start)]
    for block in document.blocks:
        if block.kind == "heading":
            title = read_title(block.content, document.references)
            sections.append(_open(block.start, block.level, title, slugger))
            sections[-1].blocks.append(block)
        elif block.kind == "html":
            for part, heading in _divide_html(text, block):
                if heading is not None:
                    sections.append(_open(part.start, heading.level, heading.title, slugger))
                sections[-1].blocks.append(part)
        else:
            for nested in _nested_headings(block):
                slugger.slug(read_title(nested.content, document.references).text)
            sections[-1].blocks.append(block)
    return sections


def _open(start: int, level: int, title: Title, slugger: Slugger) -> _Opened:
    slug = title.explicit_id or slugger.slug(title.text)
    return _Opened(start, level, title.text, slug)


def _divide_html(text: str, block: Block) -> Iterator[tuple[Block, HtmlHeading | None]]:
    """An HTML block, divided into its headings and what stands between them."""
    place = block.start
    for heading in html_headings(text, block.start, block.end):
        start = heading.start if text[place : heading.start].strip() else place
        if start > place:
            yield Block("html", place, start), None
        place = min(heading.end, block.end)
        yield Block("heading", start, place), heading
    if place == block.start or text[place : block.end].strip():
        yield Block("html", place, block.end), None


def _nested_headings(block: Block) -> Iterator[Block]:
    for child in block.children:
        if child.kind == "heading":
            yield child
        else:
            yield from _nested_headings(child)


def breadcrumb(title: str, headings: list[str]) -> tuple[str, ...]:
    """The document's title, unless the outermost heading repeats it, and the headings, each clipped."""
    if title and not (headings and headings[0].casefold() == title.casefold()):
        headings = [title, *headings]
    return tuple(_clip(heading) for heading in headings if heading)


def _clip(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1].rstrip() + "…"


def _says_nothing(text: str, section: Section) -> bool:
    """Whether a section has no text of its own below its heading."""
    return all(
        block.kind in ("heading", "rule")
        or (text[block.start : block.start + 1] == "<" and not visible_text(text[block.start : block.end]))
        for block in section.blocks
    )
