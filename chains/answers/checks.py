"""A whole answer held against its passages: what each number rests on, and what rests on nothing. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import TypedDict

from chains.answers.citations import Renumbering
from chains.answers.quotations import find_quotations, is_long, is_said, plain, readings
from chains.answers.statements import Statement, statements, without_markers
from chains.answers.support import best_quote
from chains.schema import Citation, Evidence, Excerpt


class Checks(TypedDict):
    """Fields of the answer; see chains/schema.py."""

    citations: list[Citation]
    unknown_citations: list[int]
    uncited: list[Excerpt]
    unsupported_quotes: list[Excerpt]


def unchecked(written: Renumbering) -> Checks:
    """Give the fields of an answer that is not to be checked: a refusal rests on nothing."""
    return Checks(citations=[], unknown_citations=written.unknown, uncited=[], unsupported_quotes=[])


def check(written: Renumbering, sources: Sequence[Evidence], question: str) -> Checks:
    """Check an answer that is written to its end. What it quotes from the question needs no source."""
    by_number = {source["n"]: source for source in sources}
    cited = {n: by_number[source] for n, source in enumerate(written.cited, 1)}
    found = statements(written.text, written.markers)
    return Checks(
        citations=[_cite(n, passage, written, found) for n, passage in cited.items()],
        unknown_citations=written.unknown,
        uncited=[_excerpt(written.text, each.start, each.end) for each in found if each.claims and not each.cites],
        unsupported_quotes=_unsupported(written, found, cited, sources, question),
    )


def _cite(n: int, passage: Evidence, written: Renumbering, found: Sequence[Statement]) -> Citation:
    citing = [marker for marker in written.markers if n in marker.numbers]
    text = without_markers(written.text, written.markers)
    places = ((each.start, each.end) for each in found if n in each.cites)
    start, end = next(places, _line_around(text, citing[0].start))
    return Citation(
        n=n,
        source=passage["n"],
        doc=passage["doc"],
        path=passage["path"],
        slug=passage["slug"],
        link=f"{passage['path'] or passage['doc']}{'#' if passage['slug'] else ''}{passage['slug']}",
        start_line=passage["start_line"],
        end_line=passage["end_line"],
        count=len(citing),
        quote=best_quote(text[start:end], passage),
    )


def _line_around(text: str, place: int) -> tuple[int, int]:
    end = text.find("\n", place)
    return text.rfind("\n", 0, place) + 1, end if end >= 0 else len(text)


def _unsupported(
    written: Renumbering,
    found: Sequence[Statement],
    cited: Mapping[int, Evidence],
    sources: Sequence[Evidence],
    question: str,
) -> list[Excerpt]:
    """Look each quotation up in the passages that its statement cites, or in all of them if it cites none."""
    texts = {source["n"]: readings(source["text"]) for source in sources}
    asked = plain(question)
    text = without_markers(written.text, written.markers)
    unsupported = []
    for each in found:
        numbers = [cited[n]["n"] for n in each.cites] or list(texts)
        known = [asked, *(reading for number in numbers for reading in texts[number])]
        unsupported += [
            _excerpt(written.text, start, end)
            for start, end in _quotations(text, each)
            if is_long(text[start:end]) and not is_said(text[start:end], known)
        ]
    return unsupported


def _quotations(text: str, statement: Statement) -> list[tuple[int, int]]:
    if statement.quoted:
        names_its_source = re.match(r"[-–—]", text[statement.start : statement.end])
        return [] if names_its_source else [(statement.start, statement.end)]
    inside = find_quotations(text[statement.start : statement.end])
    return [(statement.start + start, statement.start + end) for start, end in inside]


def _excerpt(text: str, start: int, end: int) -> Excerpt:
    return Excerpt(text=text[start:end], start=start, end=end)
