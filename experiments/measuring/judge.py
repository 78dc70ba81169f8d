"""A chat model as the judge of answers: it reads, and its words are read by rules that take no number for granted."""

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from chains.prompting.context import format_context
from chains.schema import Answer
from config.errors import ModelError
from experiments.queries import Query

HIGHEST = 4
NO_REFERENCE = "(none)"

_MARK = re.compile(r"^\W*(faithfulness|correctness)\W*:\W*([0-4]|none)\b", re.IGNORECASE | re.MULTILINE)
_BETTER = re.compile(r"^\W*better\W*:\W*(1|2|neither)\b", re.IGNORECASE | re.MULTILINE)
_OWN_TAGS = re.compile(r"<(?=/?(?:question|passages?|reference|answer)\b)", re.IGNORECASE)
_SECTION = re.compile(r"^# (system|user)$", re.MULTILINE)

_VARIABLE = re.compile(r"\{\{(\w+)\}\}")


def judge_answer(query: Query, answer: Answer, model: BaseChatModel) -> dict[str, Any]:
    """Give `faithfulness` and `correctness`, 0 to 1, with the judge's words (`raw`) and the hash of its prompt.

    A mark that is not in its reply as it was asked for is None, and `failed` says so; a judge that cannot be reached
    gives an `error`. Neither is ever a mark. Without passages there is no faithfulness, without a reference no
    correctness.
    """
    values = {
        "question": query.question,
        "context": format_context(answer["sources"]),
        "reference": "\n".join(query.answers) or NO_REFERENCE,
        "answer": answer["answer"],
    }
    raw, error = _ask("judge.md", values, model)
    marks = {name.lower(): mark.lower() for name, mark in _MARK.findall(raw)}
    wanted = [
        name for name, applies in (("faithfulness", answer["sources"]), ("correctness", query.answers)) if applies
    ]
    scores = {name: int(marks[name]) / HIGHEST for name in wanted if marks.get(name, "none") != "none"}
    return {
        "raw": raw,
        "error": error,
        "failed": error is None and len(scores) < len(wanted),
        "faithfulness": scores.get("faithfulness"),
        "correctness": scores.get("correctness"),
        "prompt_sha256": prompt_hash("judge.md"),
    }


def judge_pair(query: Query, first: Answer, second: Answer, model: BaseChatModel) -> dict[str, Any]:
    """Say which of two answers is better: each stands first once, and only a verdict that both orders share counts.

    Models favour what stands first (Zheng et al., "Judging LLM-as-a-Judge", 2023). A reply without a verdict is
    `failed`, and the verdict a tie.
    """
    forward, error = _compare(query, first, second, model)
    backward, other_error = _compare(query, second, first, model)
    swapped = {"1": "2", "2": "1"}.get(backward[1], backward[1])
    preference = "tie"
    if forward[1] == swapped and forward[1] in {"1", "2"}:
        preference = "first" if forward[1] == "1" else "second"
    return {
        "preference": preference,
        "raw": [forward[0], backward[0]],
        "error": error or other_error,
        "failed": not (forward[1] and backward[1]) and not (error or other_error),
        "consistent": bool(forward[1]) and forward[1] == swapped,
    }


def _compare(query: Query, first: Answer, second: Answer, model: BaseChatModel) -> tuple[tuple[str, str], str | None]:
    values = {
        "question": query.question,
        "reference": "\n".join(query.answers) or NO_REFERENCE,
        "first": first["answer"],
        "second": second["answer"],
    }
    raw, error = _ask("judge_pair.md", values, model)
    verdicts = _BETTER.findall(raw)
    return (raw, verdicts[-1].lower() if verdicts else ""), error


def _ask(prompt: str, values: dict[str, str], model: BaseChatModel) -> tuple[str, str | None]:
    """Give the reply, or what went wrong. What is judged is data: tags in it that could end it are made harmless."""
    fenced = {name: value if name == "context" else _OWN_TAGS.sub("&lt;", value) for name, value in values.items()}
    try:
        return model.invoke(_messages(prompt, fenced)).text, None
    except ModelError as error:
        return "", str(error)


def _messages(name: str, values: dict[str, str]) -> list[BaseMessage]:
    _, _, system, _, user = _SECTION.split(_text(name))
    filled = _VARIABLE.sub(lambda match: values[match[1]], user)  # in one go: a value may look like a variable
    return [SystemMessage(system.strip()), HumanMessage(filled.strip())]


def prompt_hash(name: str) -> str:
    """Give the SHA-256 of a judge's prompt file."""
    return hashlib.sha256(_text(name).encode()).hexdigest()


@cache
def _text(name: str) -> str:
    return files("config").joinpath(name).read_text("utf-8")
