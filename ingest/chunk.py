"""A chunk: an exact slice of one Markdown file, and what is known of its place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chunk:
    """`text == source_text[start:end]`.

    Offsets count characters of the decoded file with its own line ends; lines are 1-based and inclusive.
    """

    text: str
    start: int
    end: int
    start_line: int
    end_line: int
    headings: tuple[str, ...]
    """The breadcrumb: the document's title, if it has one, then the headings above, outermost first."""
    slug: str
    """GitHub's anchor of the nearest heading; empty before the first one."""
    section_start: int
    section_end: int
    """The span of the section that the chunk belongs to: from its heading to the next heading of any level."""
    preamble: str = ""
    """What a part of a divided table or fence repeats when it is embedded (header rows, info string)."""
