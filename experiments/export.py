"""A run's questions in the forms that other tools take. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from experiments.queries import Query

NO_ANSWER = "The documents do not answer this; the answer says so and claims nothing."


def to_langsmith(queries: Sequence[Query]) -> str:
    """Give a data set as JSON lines, an example a line: inputs, outputs and metadata.

    The lines are what LangSmith's `Client.create_examples(examples=[...])` takes.
    """
    return "".join(json.dumps(_example(query), ensure_ascii=False) + "\n" for query in queries)


def _example(query: Query) -> Mapping[str, Any]:
    return {
        "inputs": {"question": query.question},
        "outputs": {"answers": list(query.answers), "answerable": bool(query.needs)},
        "metadata": {
            "id": query.id,
            "lang": query.lang,
            "kind": query.kind,
            "documents": sorted({passage.doc for need in query.needs for passage in need}),
        },
    }


def to_promptfoo(queries: Sequence[Query]) -> str:
    """Give test cases as YAML, for `tests: file://...` of a promptfoo configuration.

    The question is the variable `question`. Key facts become `icontains-any`, references and refusals `llm-rubric`.
    """
    return yaml.safe_dump([_test(query) for query in queries], allow_unicode=True, sort_keys=False)


def _test(query: Query) -> Mapping[str, Any]:
    asserts: list[Mapping[str, Any]] = [{"type": "icontains-any", "value": list(fact)} for fact in query.key_facts]
    if query.answers:
        asserts.append({"type": "llm-rubric", "value": "The answer says this: " + " Or: ".join(query.answers)})
    elif not query.needs:
        asserts.append({"type": "llm-rubric", "value": NO_ANSWER})
    return {"description": query.id, "vars": {"question": query.question}, "assert": asserts}


FORMS: Mapping[str, tuple[str, Callable[[Sequence[Query]], str]]] = {
    "langsmith": ("langsmith.jsonl", to_langsmith),
    "promptfoo": ("promptfoo.yaml", to_promptfoo),
}
"""Name -> the file that is written, and what writes it."""
