"""Experiments run against the scripted chat server, over a store on disk."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError
from experiments.records import Record
from experiments.results import Results
from experiments.run import plan, prepare, run_experiment
from experiments.running.run_folder import RunFolder
from experiments.statistics.analysis import analyse
from experiments.table import to_frame, write_csv
from tests.experiments.runs import LINES, OKAFOR, STEEP, settings, write_spec
from tests.support.chat_replies import Broken, Failure, Reply, Usage
from tests.support.chat_server import ChatServer, Request


def truthful(request: Request) -> Reply:
    """Answer from the passages where there are some, and from nothing else."""
    asked = request.last_message
    usage = Usage(prompt=1000, completion=500, cached=0)
    if "<passage" not in asked:
        return Reply("I think that it is an hour.", usage=usage)
    if "steep?" in asked:
        return Reply("Two minutes [1].", usage=usage)
    return Reply("Ms Okafor repairs it [1].", usage=usage)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(default=truthful) as started:
        yield started


def by_call(results: Results) -> dict[tuple[str, str], Record]:
    return {(record.arm, record.question): record for record in results.records}


def test_every_arm_is_asked_every_question_and_measured(tmp_path: Path, server: ChatServer) -> None:
    spec = write_spec(tmp_path, 'llm = ["one"]\ncontext = ["rag", "none", "full"]')
    results = run_experiment(spec, settings(server), out=tmp_path / "run")

    calls = by_call(results)
    assert len(calls) == 9
    rag, bare, full = (calls[arm, "steep"] for arm in ("rag", "none", "full"))
    assert rag.measures["hit@1"] == rag.measures["citation_precision"] == rag.measures["key_facts"] == 1
    assert (bare.measures["key_facts"], bare.measures["hit@1"], bare.measures["citation_precision"]) == (0, None, None)
    assert full.measures["citation_recall"] == 0, "its [1] is the first chunk of all"
    assert full.answer
    assert len(full.answer["sources"]) == 1, "of a whole corpus, what is cited is kept"
    whole = max(server.requests, key=lambda request: request.last_message.count("<passage "))
    assert OKAFOR in whole.last_message
    assert STEEP in whole.last_message
    assert calls["rag", "cup"].answer
    assert calls["rag", "cup"].measures["refused"] == 1
    assert rag.measures["cost"] == pytest.approx((1000 * 1.0 + 500 * 2.0) / 1e6)
    assert 0 < (rag.first_token_seconds or 0) <= rag.seconds
    assert [query.id for query in results.queries] != sorted(query.id for query in results.queries)


def test_what_was_asked_once_is_neither_asked_nor_paid_again(tmp_path: Path, server: ChatServer) -> None:
    spec = write_spec(tmp_path, 'llm = ["one"]')
    first = run_experiment(spec, settings(server), out=tmp_path / "a")
    paid = len(server.requests)
    again = run_experiment(spec, settings(server), out=tmp_path / "a")
    elsewhere = run_experiment(spec, settings(server), out=tmp_path / "b")
    assert len(server.requests) == paid, "the folder has it, and so has the cache"

    assert again.records == first.records
    assert [record.cached for record in first.records] == [False] * 3
    cached = by_call(elsewhere)
    assert cached["one", "steep"].cached
    before, after = by_call(first)["one", "steep"], cached["one", "steep"]
    assert before.answer
    assert after.answer
    assert {**after.answer} == {**before.answer}
    assert after.seconds >= before.seconds * 0.5, "as long as it took when it was made"

    run_experiment(spec, settings(server), out=tmp_path / "c", use_cache=False)
    assert len(server.requests) == 2 * paid


def test_repeats_are_asked_anew(tmp_path: Path, server: ChatServer) -> None:
    results = run_experiment(
        write_spec(tmp_path, 'llm = ["one"]', "repeats = 3"), settings(server), out=tmp_path / "run"
    )
    assert Counter(record.repeat for record in results.records) == {0: 3, 1: 3, 2: 3}
    assert len(server.requests) == 6, "a refusal before the model costs no request"


def test_a_failure_is_recorded_and_made_again_only_where_that_is_asked_for(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, 'llm = ["one"]', "concurrency = 1")
    with ChatServer(Failure.of(500, "no"), Broken("cut"), default=truthful) as server:
        failed = run_experiment(spec, settings(server), out=tmp_path / "run")
        kept = run_experiment(spec, settings(server), out=tmp_path / "run")
        assert len(server.requests) == 2
        retried = run_experiment(spec, settings(server), out=tmp_path / "run", retry_failed=True)
        assert len(server.requests) == 4

    errors = sorted(record.error or "" for record in failed.records)
    assert errors[0] == ""
    assert errors[1].startswith("model 'one' at 127.0.0.1")
    assert errors[2].startswith("the answer is incomplete: ")
    assert all(not record.measures for record in failed.records if record.error)
    assert kept.records == failed.records
    assert [record.error for record in retried.records] == [None] * 3


def test_it_stops_before_it_costs_more(tmp_path: Path, server: ChatServer) -> None:
    spec = write_spec(tmp_path, 'llm = ["one"]', "repeats = 5\nconcurrency = 1")
    results = run_experiment(spec, settings(server), out=tmp_path / "run", max_cost=0.003)
    assert len(server.requests) == 2, "a call costs 0.002"
    assert len(results.records) < 15
    with pytest.raises(ConfigError, match="nobody states what model 'local' costs"):
        run_experiment(write_spec(tmp_path / "b", 'llm = ["local"]'), settings(server), max_cost=1)


def test_what_the_judge_costs_counts_too(tmp_path: Path, server: ChatServer) -> None:
    spec = write_spec(tmp_path, 'llm = ["one"]', 'judge = "two"\nconcurrency = 1')
    results = run_experiment(spec, settings(server), out=tmp_path / "run", max_cost=0.003)
    assert [request.body["model"] for request in server.requests] == ["one", "two"], "a call costs 0.002"
    assert len([record for record in results.records if record.judge]) == 1
    run_experiment(spec, settings(server), out=tmp_path / "again", max_cost=0.001)
    assert len(server.requests) > 2, "what is said again costs nothing"
    with pytest.raises(ConfigError, match="nobody states what model 'local' costs"):
        run_experiment(write_spec(tmp_path / "b", 'llm = ["one"]', 'judge = "local"'), settings(server), max_cost=1)


def test_a_run_is_not_mixed_with_another(tmp_path: Path, server: ChatServer) -> None:
    out = tmp_path / "run"
    run_experiment(write_spec(tmp_path, 'llm = ["one"]'), settings(server), out=out)
    with pytest.raises(ConfigError, match="holds results of another settings; give the experiment another name"):
        run_experiment(write_spec(tmp_path, 'llm = ["one"]\n[settings]\nk = 9'), settings(server), out=out)
    (tmp_path / "handbook").mkdir(exist_ok=True)
    spec = write_spec(tmp_path, 'llm = ["one"]')
    (tmp_path / "handbook" / "new.md").write_text("# New\n\nText.\n", "utf-8")
    with pytest.raises(ConfigError, match="another corpus"):
        run_experiment(spec, settings(server), out=out)
    more = run_experiment(
        write_spec(
            tmp_path,
            'llm = ["one"]\nk = [5]',
        ),
        settings(server),
        out=tmp_path / "other",
    )
    assert len(more.records) == 3


def test_arms_may_be_added(tmp_path: Path, server: ChatServer) -> None:
    out = tmp_path / "run"
    run_experiment(write_spec(tmp_path, 'llm = ["one"]\ncontext = ["rag", "none"]'), settings(server), out=out)
    paid = len(server.requests)
    added = run_experiment(
        write_spec(tmp_path, 'llm = ["one"]\ncontext = ["rag", "none", "full"]'), settings(server), out=out
    )
    assert len(added.records) == 9
    assert len(server.requests) == paid + 3


def test_two_runs_in_one_folder_are_not_possible(tmp_path: Path, server: ChatServer) -> None:
    spec = write_spec(tmp_path, 'llm = ["one"]')
    with RunFolder(tmp_path / "run").held(), pytest.raises(ConfigError, match="another process runs the experiment"):
        run_experiment(spec, settings(server), out=tmp_path / "run")


def test_half_a_line_of_a_run_that_was_killed_is_made_again(tmp_path: Path, server: ChatServer) -> None:
    spec = write_spec(tmp_path, 'llm = ["one"]')
    results = tmp_path / "run" / "results.jsonl"
    whole = run_experiment(spec, settings(server), out=tmp_path / "run")
    results.write_bytes(results.read_bytes()[:-40])
    again = run_experiment(spec, settings(server), out=tmp_path / "run")
    assert sorted(record.key for record in again.records) == sorted(record.key for record in whole.records)
    assert results.read_text("utf-8").count("\n") == 3
    results.write_text("{}\n" + results.read_text("utf-8"), "utf-8")
    with pytest.raises(ConfigError, match=r"results\.jsonl:1: arm"):
        RunFolder(tmp_path / "run").records()


def test_no_key_is_in_anything_that_is_written(
    tmp_path: Path, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILVUS_TOKEN", "root:geheim")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    entry = {
        "openai": {"base_url": server.root_url, "model": "m", "max_retries": 0, "extra_headers": {"X-Key": "kopf"}}
    }
    spec = write_spec(tmp_path, 'llm = ["openai"]')
    given = settings(server).model_copy(update={"models": entry})
    results = run_experiment(spec, given, out=tmp_path / "runs" / "tea")
    write_csv(results, tmp_path / "runs" / "tea" / "results.csv")
    assert server.requests[0].headers["authorization"] == "Bearer sk-very-secret"
    written = b"".join(path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file())
    for secret in ("geheim", "sk-very-secret", "kopf", server.host):
        assert secret.encode() not in written
    noted = json.loads((tmp_path / "runs" / "tea" / "run.json").read_text("utf-8"))
    assert noted["prompts"]["grounded"]["system"].startswith("You answer questions")
    assert noted["versions"]["langchain"]
    assert noted["models"] == {"openai": "m"}


@pytest.mark.parametrize("missing", ["key", "room", "documents"])
def test_what_is_missing_is_told_before_anything_is_asked(tmp_path: Path, server: ChatServer, missing: str) -> None:
    matrix: Any = {
        "key": 'llm = ["one", "openai"]',
        "room": 'llm = ["one"]\ncontext = ["full"]',
        "documents": 'llm = ["one"]',
    }
    spec, given = write_spec(tmp_path, matrix[missing]), settings(server)
    if missing == "room":
        given = given.model_copy(update={"models": {"one": {**given.models["one"], "context_tokens": 60}}})
    if missing == "documents":
        lines = [
            {**line, "relevant": [{**place, "doc": "en/" + place["doc"]} for place in line["relevant"]]}
            for line in LINES
        ]
        (tmp_path / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    words = {
        "key": "needs a key",
        "room": "the corpus has .* tokens, and one takes 60",
        "documents": "holds none of the documents",
    }
    with pytest.raises(ConfigError, match=words[missing]):
        run_experiment(spec, given, out=tmp_path / "run")
    assert server.requests == []


def test_sizes_of_chunks_have_stores_of_their_own(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, 'llm = ["offline"]\nchunk_tokens = [32, 200]')
    results = run_experiment(spec, settings(), out=tmp_path / "run")
    assert {record.arm for record in results.records} == {"chunk_tokens 32", "chunk_tokens 200"}
    assert sorted(path.name for path in (tmp_path / "run").glob("*.db")) == ["200.db", "32.db"]


def test_the_plan_says_what_is_left_and_what_it_costs(tmp_path: Path, server: ChatServer) -> None:
    spec = write_spec(tmp_path, 'llm = ["one", "offline", "local"]\nk = [2]', 'judge = "two"')
    experiment = prepare(spec, settings(server), tmp_path / "run", limit=2)
    before = plan(experiment)
    assert (before.calls, before.done, before.judged, before.cost) == (6, 0, 6, None)
    one, offline, local = before.arms
    assert one.cost
    assert 0.001 < one.cost < 0.01
    assert (offline.cost, offline.input_tokens, local.cost) == (0, 0, None)
    assert one.input_tokens > 2 * 2 * 300


def test_a_judge_marks_the_answers(tmp_path: Path) -> None:
    def reply(request: Request) -> Reply:
        return Reply("faithfulness: 4\ncorrectness: 2") if request.body["model"] == "two" else truthful(request)

    with ChatServer(default=reply) as server:
        results = run_experiment(
            write_spec(tmp_path, 'llm = ["one"]', 'judge = "two"'), settings(server), out=tmp_path / "run"
        )
    steep = by_call(results)["one", "steep"]
    assert steep.judge
    assert (steep.measures["faithfulness"], steep.measures["correctness"]) == (1.0, 0.5)
    assert steep.judge["raw"] == "faithfulness: 4\ncorrectness: 2"


def test_the_judge_prefers_what_it_prefers_in_both_orders(tmp_path: Path) -> None:
    def reply(request: Request) -> Reply:
        if request.body["model"] == "two" and "<answer number" in request.last_message:
            first = request.last_message.split('<answer number="1">')[1]
            return Reply("better: 1" if "an hour" not in first.split("</answer>")[0] else "better: 2")
        return Reply("no idea") if request.body["model"] == "two" else truthful(request)

    matrix, head = 'llm = ["one"]\ncontext = ["none", "rag"]', 'judge = "two"\npairwise = true'
    with ChatServer(default=reply) as server:
        results = run_experiment(write_spec(tmp_path, matrix, head), settings(server), out=tmp_path / "run")
        asked = len(server.requests)
        again = run_experiment(write_spec(tmp_path, matrix, head), settings(server), out=tmp_path / "run")
        assert len(server.requests) == asked
    (preferred,) = analyse(results).preferred
    assert (preferred.old, preferred.new, preferred.wins, preferred.losses, preferred.ties) == ("none", "rag", 3, 0, 0)
    assert preferred.sentence == "the judge shows no preference for rag over none: 3 to 0, 0 ties"
    assert analyse(again).preferred == [preferred]
    assert analyse(results).unread == 4, "no mark could be read; of the question about the cup none was wanted"


def test_a_table_has_a_row_for_each_call(tmp_path: Path) -> None:
    results = run_experiment(write_spec(tmp_path), settings(), out=tmp_path / "run")
    table = to_frame(results)
    assert list(table["question"]) == [query.id for query in results.queries]
    assert table.set_index("question").loc["steep", "token_f1"] > 0
    assert table["error"].isna().all()
