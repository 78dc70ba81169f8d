"""Everything that is measured of one answer. Pure."""

from chains.schema import Answer
from experiments.measuring.answer_metrics import chrf, exact_match, key_fact_recall, token_f1
from experiments.measuring.citation_metrics import (
    citation_precision,
    citation_recall,
    cited_statements,
    known_citations,
    supported_quotes,
)
from experiments.measuring.retrieval_metrics import measure
from experiments.queries import Query
from experiments.records import Context
from store.language import language
from store.tokens import approximate_token_starts

OPEN = "open"
"""Kind of a request that has no right answer in the documents and is none to refuse, such as one to write a page."""

Measures = dict[str, float | None]

_OF_RETRIEVAL = ("hit@1", "recall@5", "mrr@10", "ndcg@10", "cover@1500")


def measure_answer(
    query: Query, answer: Answer, context: Context, first_token_seconds: float | None, seconds: float
) -> Measures:
    """Give every measure by its name (see experiments/metrics.py), None where it does not apply.

    A refusal of an answerable question scores 0 against its references, and is not left out: an arm must not win by
    answering nothing but what it is sure of. How often it refuses is a measure of its own.
    """
    usage = answer["usage"]
    return {
        **_against_references(query, answer),
        **_refusals(query, answer),
        **_retrieval(query, answer, context),
        **_citations(query, answer, context),
        "same_language": _same_language(query, answer),
        "characters": float(len(answer["answer"])),
        "input_tokens": usage["input_tokens"],
        "cached_input_tokens": usage["cached_input_tokens"],
        "output_tokens": usage["output_tokens"],
        "reasoning_tokens": usage["reasoning_tokens"],
        "cost": usage["cost"],
        "first_token_seconds": first_token_seconds,
        "seconds": seconds,
    }


def _against_references(query: Query, answer: Answer) -> Measures:
    said = "" if answer["refused"] else answer["answer"]
    measures: Measures = dict.fromkeys(("token_f1", "chrf", "exact_match", "key_facts"))
    if query.answers:
        measures |= {
            "token_f1": token_f1(said, query.answers),
            "chrf": chrf(said, query.answers),
            "exact_match": exact_match(said, query.answers),
        }
    if query.key_facts:
        measures["key_facts"] = key_fact_recall(said, query.key_facts)
    return measures


def _refusals(query: Query, answer: Answer) -> Measures:
    """An answer that says that it is not from the documents (`own_knowledge`) counts as a refusal to find it there."""
    refused = answer["refused"] or (answer["own_knowledge"] and bool(answer["search"]))
    answerable, asked = bool(query.needs), query.kind != OPEN
    return {
        "answered": float(not refused) if answerable and asked else None,
        "refused": float(refused) if not answerable and asked else None,
        "refused_rightly": float(not answerable) if refused and asked else None,
    }


def _retrieval(query: Query, answer: Answer, context: Context) -> Measures:
    if context != "rag" or not query.needs:
        return dict.fromkeys(_OF_RETRIEVAL)
    found = measure(query, answer["sources"], approximate_token_starts)
    return {name: found[name] for name in _OF_RETRIEVAL}


def _citations(query: Query, answer: Answer, context: Context) -> Measures:
    if context == "none" or answer["refused"]:
        return dict.fromkeys(
            ("citation_precision", "citation_recall", "cited_statements", "known_citations", "supported_quotes")
        )
    return {
        "citation_precision": citation_precision(query, answer) if query.needs else None,
        "citation_recall": citation_recall(query, answer) if query.needs else None,
        "cited_statements": cited_statements(answer),
        "known_citations": known_citations(answer),
        "supported_quotes": supported_quotes(answer),
    }


def _same_language(query: Query, answer: Answer) -> float | None:
    asked, said = language(query.question), language(answer["answer"])
    return None if "und" in (asked, said) else float(asked == said)
