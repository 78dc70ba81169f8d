"""The experiments that come with askmd: they can be run, and their questions fit the documentation."""

from pathlib import Path

import pytest

from config.settings import Settings
from experiments.queries import read_queries
from experiments.spec import arms, read_spec, settings_of

PROJECT = Path(__file__).parents[2]
SPECS = sorted((PROJECT / "experiments" / "specs").glob("*.toml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_runs_without_a_key_from_any_folder(path: Path) -> None:
    spec = read_spec(path)
    assert spec.name == path.stem
    assert {arm.llm for arm in arms(spec, settings_of(spec, Settings()))} == {"offline"}
    assert spec.corpus
    assert spec.corpus.resolve() == PROJECT / "docs"


def test_what_the_questions_look_for_stands_in_the_documentation() -> None:
    queries = read_queries(PROJECT / "experiments" / "specs" / "questions.jsonl")
    for query in queries:
        for need in query.needs:
            for passage in need:
                assert passage.excerpt in (PROJECT / "docs" / passage.doc).read_text("utf-8"), query.id
    assert {query.kind for query in queries} == {"fact", "task", "unanswerable", "open"}
