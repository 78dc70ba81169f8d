"""A search without a chat model."""

from askmd.serving.engine import Engine
from askmd.serving.served_chain import check_size
from chains.prompting.context import fit
from chains.schema import Hit
from config.errors import QuestionError
from config.settings import MAX_K
from store.filters import Filters, check_filters


def find(
    engine: Engine, question: str, k: int | None = None, filters: Filters | None = None, budget: int | None = None
) -> tuple[list[Hit], list[str]]:
    """Give the best passages, and notices; it blocks. Raises QuestionError, and as `Resources.search` does."""
    wanted = engine.settings.k if k is None else k
    if not question.strip():
        raise QuestionError("the question is empty")
    if not 1 <= wanted <= MAX_K:
        raise QuestionError(f"k is {wanted}; it must be between 1 and {MAX_K}")
    check_size(question, engine.serving)
    check_filters(filters or {})
    resources = engine.resources
    candidates = resources.search(question, resources.candidates(wanted), filters or {})
    hits, notices = resources.rerank_or_keep(question, candidates, wanted)
    return hits if budget is None else fit(hits, budget, resources.count_tokens), notices
