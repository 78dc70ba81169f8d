"""Question files, and what is said about those that are not."""

import json
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError
from experiments.queries import Passage, Query, read_queries

PLAIN = {"id": "1", "question": "What?", "relevant": [{"doc": "a.md", "excerpt": "That.", "start": 3}]}


def write(*lines: Any) -> Path:
    path = Path("queries.jsonl")
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), "utf-8")
    return path


def read_one(line: dict[str, Any]) -> Query:
    (query,) = read_queries(write(line))
    return query


def test_a_question_keeps_what_the_line_says() -> None:
    more = {"answers": ["That."], "key_facts": ["that", ["it", "this"]], "source": "elsewhere"}
    query = read_one({**PLAIN, "lang": "en", "kind": "faq", **more})
    facts = (("that",), ("it", "this"))
    assert query == Query("1", "en", "faq", "What?", ((Passage("a.md", "That.", 3),),), ("That.",), facts)


def test_language_kind_and_start_may_be_left_out() -> None:
    query = read_one({"id": 7, "question": "What?", "relevant": [{"doc": "a.md", "excerpt": "That."}]})
    assert query == Query("7", "", "", "What?", ((Passage("a.md", "That.", None),),))


def test_nothing_relevant_means_that_nothing_is_needed() -> None:
    assert read_one({**PLAIN, "relevant": []}).needs == ()


def excerpts(all_required: bool | None, *alternative: bool) -> list[list[str]]:
    places = [{"doc": "a.md", "excerpt": str(n), "alt": alt} for n, alt in enumerate(alternative)]
    query = read_one({**PLAIN, "relevant": places, "all_required": all_required})
    return [[passage.excerpt for passage in need] for need in query.needs]


def test_any_one_excerpt_is_enough_unless_all_are_required() -> None:
    assert excerpts(None, False, False) == [["0", "1"]]
    assert excerpts(False, False, True) == [["0", "1"]]
    assert excerpts(True, False, False) == [["0"], ["1"]]


def test_an_alternative_stands_for_the_excerpt_before_it() -> None:
    assert excerpts(True, False, True, False) == [["0", "1"], ["2"]]
    assert excerpts(True, True, False) == [["0"], ["1"]]


def test_other_files_with_the_same_text_are_places_of_every_excerpt() -> None:
    (need,) = read_one({**PLAIN, "also_in": ["b.md", "c.md"]}).needs
    assert need == (Passage("a.md", "That.", 3), Passage("b.md", "That.", None), Passage("c.md", "That.", None))


def test_blank_lines_and_a_byte_order_mark_do_no_harm() -> None:
    path = write(PLAIN, "", "   ")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_queries(path)) == 1


def test_a_line_ends_only_where_json_lines_end() -> None:
    line = json.dumps({**PLAIN, "question": "one\u2028two"}, ensure_ascii=False)
    assert read_queries(write(line))[0].question == "one\u2028two"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "JSON"),
        ("[]", "object"),
        ({"id": "1", "question": "What?"}, "relevant: Field required"),
        ({**PLAIN, "question": " "}, "question: "),
        ({**PLAIN, "id": None}, "id"),
        ({**PLAIN, "relevant": [{"doc": "a.md", "excerpt": "\n"}]}, "relevant.0.excerpt: "),
        ({**PLAIN, "relevant": [{"excerpt": "That."}]}, "relevant.0.doc: "),
        ({**PLAIN, "relevant": [{"doc": "a.md", "excerpt": "That.", "start": -1}]}, "relevant.0.start: "),
        ({**PLAIN, "relevant": [{"doc": "a.md", "excerpt": "That.", "start": "3"}]}, "relevant.0.start: "),
        ({**PLAIN, "all_required": "yes"}, "all_required: "),
        ({**PLAIN, "also_in": "b.md"}, "also_in: "),
    ],
)
def test_a_malformed_line_is_named(line: Any, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_queries(write({**PLAIN, "id": "0"}, line))
    assert str(error.value).startswith("queries.jsonl:2: ")
    assert message in str(error.value)


def test_an_id_stands_for_one_question() -> None:
    with pytest.raises(ConfigError, match="queries.jsonl:2: the id '1' was there before"):
        read_queries(write(PLAIN, PLAIN))


def test_a_file_without_questions_is_an_error() -> None:
    with pytest.raises(ConfigError, match="queries.jsonl holds no questions"):
        read_queries(write(""))


def test_a_file_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ConfigError, match="cannot read nowhere.jsonl"):
        read_queries(Path("nowhere.jsonl"))
