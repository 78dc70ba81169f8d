"""Whether the citations of an answer lead to what answers the question. Pure; every value lies between 0 and 1.

Each gives None where it does not apply: no citation, no claim, no quotation.
"""

from collections.abc import Sequence

from chains.answers.citations import Marker, Renumbering
from chains.answers.quotations import find_quotations
from chains.answers.statements import statements, without_markers
from chains.schema import Answer, Evidence
from experiments.measuring.relevance import counts
from experiments.queries import Query


def citation_precision(query: Query, answer: Answer) -> float | None:
    """Share of the cited passages that hold gold text."""
    cited = cited_passages(answer)
    if not cited:
        return None
    gold = [passage for need in query.needs for passage in need]
    return sum(any(counts(source, passage) for passage in gold) for source in cited) / len(cited)


def citation_recall(query: Query, answer: Answer) -> float:
    """Share of the needs of an answerable question that a cited passage meets."""
    cited = cited_passages(answer)
    return sum(any(counts(s, passage) for s in cited for passage in need) for need in query.needs) / len(query.needs)


def cited_statements(answer: Answer) -> float | None:
    """Share of the sentences that claim something that carry a citation; see chains/answers/statements.py."""
    claims = sum(each.claims for each in statements(answer["answer"], _markers(answer)))
    return 1 - min(len(answer["uncited"]), claims) / claims if claims else None


def known_citations(answer: Answer) -> float | None:
    """Share of the numbers cited that stand for a passage."""
    known, unknown = len(answer["citations"]), len(answer["unknown_citations"])
    return known / (known + unknown) if known or unknown else None


def supported_quotes(answer: Answer) -> float | None:
    """Share of the quotations that the passages hold."""
    quotations = len(find_quotations(without_markers(answer["answer"], _markers(answer))))
    unsupported = len(answer["unsupported_quotes"])
    total = max(quotations, unsupported)
    return 1 - unsupported / total if total else None


def cited_passages(answer: Answer) -> list[Evidence]:
    """Give the passages that the answer cites."""
    sources = {source["n"]: source for source in answer["sources"]}
    return [sources[citation["source"]] for citation in answer["citations"] if citation["source"] in sources]


def _markers(answer: Answer) -> Sequence[Marker]:
    """Find the markers again: those of an answer are numbered from 1 already, and stay what they are."""
    found = Renumbering(range(1, len(answer["citations"]) + 1))
    found.feed(answer["answer"])
    found.end()
    return found.markers
