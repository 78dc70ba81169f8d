"""The measures that a record may hold: what each is called, and which way it is better."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "tokens", "characters", "seconds", "dollars"]


@dataclass(frozen=True, slots=True)
class Metric:
    """`name` is its key in Record.measures; shares lie between 0 and 1."""

    name: str
    title: str
    unit: Unit = "share"
    better: Literal["more", "less"] = "more"
    compared: bool = True
    """Whether arms are compared by it; the others only describe."""


METRICS = (
    Metric("correctness", "Correct, says the judge"),
    Metric("faithfulness", "Faithful to the evidence, says the judge"),
    Metric("token_f1", "Words shared with the reference (F1)"),
    Metric("chrf", "Letters shared with the reference (chrF)"),
    Metric("exact_match", "Same words as the reference", compared=False),
    Metric("key_facts", "Key facts mentioned"),
    Metric("answered", "Answerable questions answered"),
    Metric("refused", "Unanswerable questions refused"),
    Metric("refused_rightly", "Refusals that were right", compared=False),
    Metric("hit@1", "Right passage first", compared=False),
    Metric("recall@5", "Needs found in 5 passages", compared=False),
    Metric("mrr@10", "Reciprocal rank of the right passage"),
    Metric("ndcg@10", "nDCG of the passages", compared=False),
    Metric("cover@1500", "Gold text in 1,500 tokens"),
    Metric("citation_precision", "Citations that lead to gold text"),
    Metric("citation_recall", "Needs that a citation leads to"),
    Metric("cited_statements", "Statements with a citation"),
    Metric("known_citations", "Citations of passages that exist", compared=False),
    Metric("supported_quotes", "Quotations that the passages hold", compared=False),
    Metric("same_language", "In the question's language"),
    Metric("characters", "Length", "characters", "less", compared=False),
    Metric("input_tokens", "Input tokens", "tokens", "less", compared=False),
    Metric("cached_input_tokens", "of them cached", "tokens", "more", compared=False),
    Metric("output_tokens", "Output tokens", "tokens", "less", compared=False),
    Metric("reasoning_tokens", "of them thinking", "tokens", "less", compared=False),
    Metric("cost", "Cost", "dollars", "less"),
    Metric("first_token_seconds", "Until the first token", "seconds", "less"),
    Metric("seconds", "Until the answer is whole", "seconds", "less"),
)
"""In the order in which they are shown."""


def find_metric(name: str) -> Metric | None:
    """Give the metric of a name, None if there is none."""
    return next((metric for metric in METRICS if metric.name == name), None)
