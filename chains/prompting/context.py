"""Evidence -> the numbered passages that the prompt holds. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from chains.schema import Evidence, Hit

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


def number(hits: Iterable[Hit]) -> list[Evidence]:
    """Number passages from 1, in the order of their rank.

    Models make the most of what stands first or last (Liu et al., "Lost in the Middle", 2023), and measures of
    retrieval cannot tell whether another order would do better.
    """
    return [cast("Evidence", {**passage, "n": n}) for n, passage in enumerate(hits, 1)]


def format_context(evidence: Iterable[Evidence]) -> str:
    """Write the passages as the prompt has them.

    What is retrieved is data: tags in it that could end a passage or open another are made harmless.
    """
    return "\n".join(map(_format_passage, evidence))


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
