"""Hits and questions with no more in them than a test is about."""

from chains.schema import Hit
from experiments.queries import Need, Passage, Query


def hit(text: str, start: int = 0, doc: str = "a.md", **scores: float) -> Hit:
    """A hit on `text` at a character of a document."""
    return Hit(
        id=f"{doc}:{start}",
        root="r",
        doc=doc,
        path="",
        file_hash="",
        start=start,
        end=start + len(text),
        start_line=1,
        end_line=1,
        headings=[],
        slug="",
        text=text,
        score=max(scores.values(), default=0.0),
        scores=scores,
        ranks=dict.fromkeys(scores, 1),
        also_in=[],
        confidence=max(scores.values(), default=0.0),
        english="",
        dated={},
    )


def passage(excerpt: str, start: int | None = 0, doc: str = "a.md") -> Passage:
    return Passage(doc, excerpt, start)


def query(*needs: Need, id_: str = "1", lang: str = "", kind: str = "", question: str = "what?") -> Query:
    return Query(id_, lang, kind, question, needs)
