"""Evidence -> the numbered passages that the prompt holds. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from chains.schema import Evidence, Hit
from config.settings import Order

_OWN_TAGS = re.compile(r"<(?=/?(?:passages?|context|question)\b)", re.IGNORECASE)
_NO_NAME = re.compile(r"[^A-Za-z]+")


def fit(hits: Sequence[Hit], budget: int, count_tokens: Callable[[str], int]) -> list[Hit]:
    """Keep the passages that fit into a number of tokens, in their order; the first one always.

    A passage that is too long does not keep shorter ones behind it out.
    """
    kept: list[Hit] = []
    left = budget
    for passage in hits:
        tokens = count_tokens(passage["text"])
        if tokens <= left or not kept:
            kept.append(passage)
            left -= tokens
    return kept


def number(hits: Sequence[Hit], order: Order) -> list[Evidence]:
    """Number passages from 1, as they are to stand in the prompt; best first they come, and stay in the list.

    Which order a model makes the most of differs (Liu et al., "Lost in the Middle", 2023); benchmarks/answers.md has
    what was measured.
    """
    ranks = list(range(len(hits)))
    match order:
        case "rank":
            written = ranks
        case "reversed":
            written = ranks[::-1]
        case "document":
            written = sorted(ranks, key=lambda rank: (hits[rank]["root"], hits[rank]["doc"], hits[rank]["start"]))
    numbers = {rank: n for n, rank in enumerate(written, 1)}
    return [cast("Evidence", {**hit, "n": numbers[rank]}) for rank, hit in enumerate(hits)]


def format_context(evidence: Iterable[Evidence]) -> str:
    """Write the passages as the prompt has them, by their numbers.

    What is retrieved is data: tags in it that could end a passage or open another are made harmless.
    """
    return "\n".join(map(_format_passage, sorted(evidence, key=lambda passage: passage["n"])))


def _format_passage(passage: Evidence) -> str:
    lines = f"{passage['start_line']}-{passage['end_line']}"
    section = _attribute(" › ".join(passage["headings"]))
    dated = "".join(
        f' {_NO_NAME.sub("-", key).lower()}="{_attribute(value)}"' for key, value in passage["dated"].items()
    )
    place = _attribute(_place(passage))
    opening = f'<passage n="{passage["n"]}" source="{place}" lines="{lines}" section="{section}"{dated}>'
    return f"{opening}\n{_OWN_TAGS.sub('&lt;', passage['text'])}\n</passage>"


def _place(passage: Evidence) -> str:
    return f"{passage['doc']}#{passage['slug']}" if passage["slug"] else passage["doc"]


def _attribute(text: str) -> str:
    return " ".join(text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").split())
