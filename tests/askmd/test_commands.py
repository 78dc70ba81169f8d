"""The installed `askmd`, run as a command."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.chat_replies import Broken, Failure, Reply, Usage
from tests.support.chat_server import ChatServer
from tests.support.command import ASKMD, askmd, askmd_json, call
from tests.support.corpus import FILES
from tests.support.json_server import Answer
from tests.support.rerank_server import RerankServer
from tests.support.stores import write_files


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a folder `handbook` and a store of it."""
    folder = tmp_path_factory.mktemp("ingested")
    write_files(folder / "handbook", FILES)
    askmd("ingest", "handbook", folder=folder)
    (folder / "object.json").write_text("{}", "utf-8")
    (folder / "number.json").write_text("[3]", "utf-8")
    return folder


@pytest.fixture
def copy(ingested: Path, tmp_path: Path) -> Path:
    """The same to change, with the folder where it was."""
    shutil.copytree(ingested / "askmd.db", tmp_path / "askmd.db")
    shutil.copytree(ingested / "handbook", tmp_path / "handbook")
    return tmp_path


@pytest.fixture
def server(copy: Path) -> Iterator[ChatServer]:
    """A scripted chat server that the working directory's askmd.toml calls `deepseek`."""
    with ChatServer() as started:
        (copy / "askmd.toml").write_text(f'[models.deepseek]\nbase_url = "{started.base_url}"\n', "utf-8")
        yield started


def test_ingest_twice_embeds_nothing_the_second_time(tmp_path: Path) -> None:
    write_files(tmp_path / "handbook", FILES)

    first = askmd_json("ingest", "handbook", folder=tmp_path)
    second = askmd_json("ingest", "handbook", folder=tmp_path)
    line = askmd("ingest", "handbook", folder=tmp_path).stdout

    assert {key: first[key] for key in ("added", "changed", "moved", "deleted", "unchanged")} == {
        "added": 2, "changed": 0, "moved": 0, "deleted": 0, "unchanged": 0,
    }  # fmt: skip
    assert first["chunks"] == first["embedded"] > 3
    assert (second["unchanged"], second["embedded"], second["chunks"]) == (2, 0, first["chunks"])
    assert line.startswith("0 added, 0 changed, 0 moved, 0 deleted, 2 unchanged files; ")


@pytest.mark.parametrize("place", ["environment", "dotenv"])
def test_milvus_uri_may_be_a_lite_file(tmp_path: Path, place: str) -> None:
    """The Milvus client itself takes the variable for a server's address, and fails."""
    write_files(tmp_path / "handbook", FILES)
    uri = str(tmp_path / "deep" / "own.db")
    if place == "dotenv":
        (tmp_path / ".env").write_text(f"MILVUS_URI={uri}\n", "utf-8")
    env = {"MILVUS_URI": uri} if place == "environment" else {}

    def run(*words: str) -> str:
        done = subprocess.run(
            [ASKMD, *words], capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ, **env}
        )
        return done.stdout

    run("ingest", "handbook")

    assert "espresso" in run("search", "espresso")
    assert Path(uri).exists()


def test_a_dry_run_makes_no_store(tmp_path: Path) -> None:
    write_files(tmp_path / "handbook", FILES)

    plan = askmd("ingest", "handbook", "--dry-run", folder=tmp_path).stdout

    assert plan.startswith("would be: 2 added")
    assert not (tmp_path / "askmd.db").exists()


def test_a_file_that_is_skipped_shows_in_the_exit_status(tmp_path: Path) -> None:
    write_files(tmp_path / "handbook", FILES)
    (tmp_path / "handbook" / "noise.md").write_bytes(bytes(range(256)) * 40)

    done = call(["ingest", "handbook"], tmp_path)

    assert (done.status, done.stderr) == (1, "skipped: noise.md: not text in any encoding that can be told\n")
    assert done.stdout.startswith("2 added")


def test_search_finds_the_passage(ingested: Path) -> None:
    hits = askmd_json("search", "Where is tea stored?", "--k", "2", folder=ingested)["hits"]
    shown = askmd("search", "Where is tea stored?", "--k", "1", "--explain", folder=ingested).stdout

    assert hits[0]["doc"] == "tea.md"
    assert hits[0]["text"] == FILES["tea.md"][hits[0]["start"] : hits[0]["end"]]
    assert hits[0]["score"] >= hits[1]["score"]
    assert shown.startswith("1. handbook/tea.md:11  Tea handbook › Tea › Where is tea stored?")
    assert "dense 0." in shown


def test_many_questions_are_searched_at_once(ingested: Path, tmp_path: Path) -> None:
    queries = tmp_path / "q.jsonl"
    queries.write_text('{"id": "a", "question": "espresso?", "lang": "en"}\n\n{"id": 2, "question": "tea?"}\n', "utf-8")

    askmd("search", "--queries", str(queries), "--k", "3", "--out", str(tmp_path / "out.jsonl"), folder=ingested)

    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["a", 2]
    for hit in (hit for line in lines for hit in line["hits"]):
        assert hit["text"] == FILES[hit["doc"]][hit["start"] : hit["end"]]


def test_a_malformed_line_among_many_questions_is_named(ingested: Path, tmp_path: Path) -> None:
    queries = tmp_path / "q.jsonl"
    queries.write_text('{"id": 1, "question": "tea\u2028time?"}\n{"id": 2, "question": " "}\n', "utf-8")

    done = askmd("search", "--queries", str(queries), "--out", "out.jsonl", folder=ingested, status=2)

    assert "q.jsonl:2: question: " in done.stderr
    assert not (ingested / "out.jsonl").exists()


def test_filters_narrow_the_search(ingested: Path) -> None:
    hits = askmd_json("search", "tea", "--filter", "path=drinks/*", folder=ingested)["hits"]

    assert {hit["doc"] for hit in hits} == {"drinks/coffee.md"}


def test_search_and_ask_take_a_reranker_and_say_when_it_fails(ingested: Path, tmp_path: Path) -> None:
    queries = tmp_path / "q.jsonl"
    queries.write_text('{"id": 1, "question": "Where is tea stored?"}\n{"id": 2, "question": "tea?"}\n', "utf-8")
    question = ["Where is tea stored?", "--k", "1", "--rerank", "endpoint:m"]
    with RerankServer(prefer="espresso") as server:
        options: dict[str, Any] = {"folder": ingested, "ASKMD_RERANK_BASE_URL": server.base_url}
        found = askmd("search", *question, "--explain", **options)
        unreranked = askmd("search", *question, "--rerank", "", **options)
        server.script(*[Answer(401)] * 4)
        kept = askmd("search", *question, **options)
        told = askmd_json("search", *question, **options)
        answer = askmd("ask", *question, "--llm", "offline", **options)
        many = askmd("search", "--queries", str(queries), "--out", str(tmp_path / "o"), *question[3:], **options)

    assert "How is espresso made?" in found.stdout.splitlines()[0]
    assert "   score 1.000  dense 0." in found.stdout
    assert "rerank " in found.stdout.splitlines()[1]
    assert found.stderr == ""
    assert kept.stdout == unreranked.stdout
    assert "Where is tea stored?" in kept.stdout.splitlines()[0]
    note = f"note: reranker endpoint:m at {server.host} refuses the key (401): check that the key belongs to this "
    for done in (kept, answer, many):
        assert done.stderr == note + "endpoint; the order without it stands\n"
    assert ["note: " + notice + "\n" for notice in told["notices"]] == [kept.stderr]
    lines = [json.loads(line) for line in (tmp_path / "o").read_text("utf-8").splitlines()]
    assert [len(line["notices"]) for line in lines] == [1, 0]


def test_front_matter_narrows_the_search(ingested: Path) -> None:
    words = ["--filter", "title=None", "--filter", "title=Tea handbook", "--k", "9"]
    hits = askmd_json("search", "coffee", *words, folder=ingested)["hits"]

    assert {hit["doc"] for hit in hits} == {"tea.md"}


def test_an_unknown_filter_leaves_the_file_of_hits_alone(ingested: Path, tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text('{"id": 1, "question": "tea"}', "utf-8")
    (tmp_path / "out.jsonl").write_text("precious", "utf-8")
    words = ["--queries", str(tmp_path / "queries.jsonl"), "--out", str(tmp_path / "out.jsonl"), "--filter", "rot=1"]

    askmd("search", *words, folder=ingested, status=2)

    assert (tmp_path / "out.jsonl").read_text("utf-8") == "precious"


def test_a_budget_cuts_the_list(ingested: Path) -> None:
    hits = askmd_json("search", "tea and coffee", folder=ingested)["hits"]
    fewer = askmd_json("search", "tea and coffee", "--budget", "100", folder=ingested)["hits"]
    answer = askmd_json("ask", "tea and coffee", "--budget", "100", "--llm", "offline", folder=ingested)

    assert 0 < len(fewer) < len(hits)
    assert fewer[0] == hits[0]
    assert [source["id"] for source in answer["sources"]] == [hit["id"] for hit in fewer]


def test_where_the_same_stands_too_is_shown(tmp_path: Path) -> None:
    write_files(tmp_path / "docs", {"a.md": FILES["drinks/coffee.md"], "b.md": FILES["drinks/coffee.md"]})
    askmd("ingest", "docs", folder=tmp_path)

    found = askmd("search", "Who repairs the machine?", "--k", "2", folder=tmp_path).stdout
    answered = askmd("ask", "Who repairs the machine?", "--k", "2", "--llm", "offline", folder=tmp_path).stdout

    assert "  (also in docs/" in found
    assert "  (also in docs/" in answered


def test_chunks_are_shown_without_a_store(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)

    chunks = askmd_json("chunks", "tea.md", folder=tmp_path)["chunks"]
    shown = askmd("chunks", "tea.md", folder=tmp_path).stdout

    assert all(chunk["text"] == FILES["tea.md"][chunk["start"] : chunk["end"]] for chunk in chunks)
    assert "Tea handbook › Tea › Where is tea stored?" in shown
    assert shown.rstrip().endswith(f"{len(chunks)} chunks")
    assert not (tmp_path / "askmd.db").exists()


def test_ask_streams_an_answer_and_lists_its_sources(copy: Path, server: ChatServer) -> None:
    server.script(Reply("In a closed tin [1]. It is not in the glass jar [8]. “Or perhaps it is” [1]."))

    done = askmd("ask", "Where is tea stored?", folder=copy, DEEPSEEK_API_KEY="sk-1")

    answer, sources, others = done.stdout.split("\n\n")
    assert answer == "In a closed tin [1]. It is not in the glass jar [8?]. “Or perhaps it is” [1]."
    heading, place, quote = sources.splitlines()
    assert heading == "Sources:"
    assert re.fullmatch(r"  \[1\] \S+handbook/tea\.md:13  Tea handbook › Tea › Where is tea stored\?", place)
    assert quote == "      “Loose leaves are kept in a closed tin, away from light.”"
    assert others.startswith("Not cited:\n  /")
    assert done.stderr.splitlines() == [
        "warning: the answer cites [8?], which is no source",
        "warning: a quotation is not in the sources: “Or perhaps it is”",
        "note: a statement is without a source: “It is not in the glass jar [8?].”",
        "tokens: 11 in, 7 out; cost: unknown",
    ]
    assert server.requests[0].body["stream"]


def test_ask_ends_with_tokens_and_cost(copy: Path, server: ChatServer) -> None:
    usage = Usage(prompt=12_000, completion=40, cached=10_000, reasoning=30)
    server.script(Reply("In a closed tin [1].", usage=usage), Reply("In a closed tin [1].", usage=usage))

    done = askmd("ask", "Where is tea stored?", folder=copy, DEEPSEEK_API_KEY="sk-1")
    answer = askmd_json("ask", "Where is tea stored?", folder=copy, DEEPSEEK_API_KEY="sk-1")
    offline = askmd("ask", "Where is tea stored?", "--llm", "offline", folder=copy)

    assert done.stderr == (
        "tokens: 12,000 in (10,000 cached), 40 out (30 thinking); cost: $0.00032 (prices of 2026-11-22)\n"
    )
    assert (answer["usage"]["cost"], answer["usage"]["prices_checked"]) == (0.0003192, "2026-11-22")
    assert offline.stderr == ""


def test_thinking_is_shown_apart_from_the_answer_where_it_is_asked_for(copy: Path, server: ChatServer) -> None:
    reply = Reply("In a closed tin [1].", reasoning="Tea is\n\nstored where?")
    server.script(reply, reply, reply, Reply("", reasoning="Hm."))
    words = ("ask", "Where is tea stored?")

    shown = askmd(*words, "--show-thinking", folder=copy, DEEPSEEK_API_KEY="sk-1")
    hidden = askmd(*words, folder=copy, DEEPSEEK_API_KEY="sk-1")
    answer = askmd_json(*words, "--show-thinking", folder=copy, DEEPSEEK_API_KEY="sk-1")
    empty = call([*words, "--show-thinking"], copy, {"DEEPSEEK_API_KEY": "sk-1"})

    assert shown.stderr.startswith("Thinking:\nTea is\n\nstored where?\n\nAnswer:\ntokens: ")
    assert shown.stdout == hidden.stdout
    assert shown.stdout.startswith("In a closed tin [1].\n\nSources:\n")
    assert "Thinking" not in hidden.stderr
    assert (answer["thinking"], answer["answer"]) == ("Tea is\n\nstored where?", "In a closed tin [1].")
    assert empty.status == 1
    assert empty.stderr.startswith("Thinking:\nHm.\naskmd: ")
    assert "handbook/tea.md:11" in empty.stdout


def test_thinking_is_dim_on_a_terminal_that_has_colour(copy: Path, server: ChatServer) -> None:
    server.script(*[Reply("In a closed tin [1].", reasoning="Hm.")] * 2)
    command = [ASKMD, "ask", "Where is tea stored?", "--show-thinking"]
    environment = {**os.environ, "DEEPSEEK_API_KEY": "sk-1"}
    environment.pop("NO_COLOR", None)

    coloured, plain = (
        on_terminal(command, copy, {**environment, **colour}) for colour in ({"TERM": "xterm"}, {"NO_COLOR": "1"})
    )

    assert "Thinking:\n\x1b[2mHm.\x1b[0m\n\nAnswer:\n" in coloured
    assert "Thinking:\nHm.\n\nAnswer:\n" in plain


def on_terminal(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run a command whose standard error is a terminal, and give what it writes there."""
    ours, terminal = os.openpty()
    with os.fdopen(ours, "rb", closefd=True) as reader:
        subprocess.run(command, stderr=terminal, stdout=subprocess.DEVNULL, check=True, cwd=folder, env=environment)
        os.close(terminal)
        return os.read(reader.fileno(), 100_000).decode().replace("\r\n", "\n")


def test_ask_as_json_gives_the_fields_of_an_answer(copy: Path, server: ChatServer) -> None:
    answer = askmd_json(
        "ask", "Where is tea stored?", "--prompt", "tutorial", "--k", "1", folder=copy, DEEPSEEK_API_KEY="sk-1"
    )

    assert answer["answer"] == "A scripted answer [1]."
    assert [citation["n"] for citation in answer["citations"]] == [1]
    assert (answer["prompt"], len(answer["sources"]), answer["usage"]["output_tokens"]) == ("tutorial", 1, 7)


def test_a_failing_model_is_one_line_and_the_sources_are_still_shown(copy: Path, server: ChatServer) -> None:
    server.script(*[Failure.of(401, "bad key sk-1")] * 2)
    words = ("ask", "Where is tea stored?")

    done = askmd(*words, folder=copy, status=1, DEEPSEEK_API_KEY="sk-1")
    as_json = askmd(*words, "--json", folder=copy, status=1, DEEPSEEK_API_KEY="sk-1")

    assert "handbook/tea.md:11" in done.stdout
    assert "deepseek" in done.stderr
    given = json.loads(as_json.stdout)
    assert given["sources"][0]["slug"] == "where-is-tea-stored"
    assert as_json.stderr == f"askmd: {given['error']}\n" == done.stderr
    assert "answer" not in given
    assert "sk-1" not in done.stderr + done.stdout + as_json.stdout


def test_an_answer_that_breaks_off_is_shown_and_said_to_be_incomplete(copy: Path, server: ChatServer) -> None:
    server.script(*[Broken("cut", Reply("In a closed tin [1]. Not in a jar."), after=6)] * 2)
    words = ("ask", "Where is tea stored?")

    done = askmd(*words, folder=copy, status=1, DEEPSEEK_API_KEY="sk-1")
    as_json = askmd(*words, "--json", folder=copy, status=1, DEEPSEEK_API_KEY="sk-1")

    answer, sources, *_ = done.stdout.split("\n\n")
    assert answer == "In a closed tin [1]. Not"
    assert sources.startswith("Sources:\n  [1] ")
    given = json.loads(as_json.stdout)
    assert (given["answer"], given["cited"]) == (answer, [1])
    assert given["incomplete"].startswith("model 'deepseek' at ")
    assert as_json.stderr == f"askmd: the answer is incomplete: {given['incomplete']}\n"
    assert done.stderr == f"tokens: unknown; cost: unknown\n{as_json.stderr}"


def test_a_fallback_answers_and_it_is_said_who_failed(copy: Path, server: ChatServer) -> None:
    server.script(*[Failure.of(402, "pay")] * 2)
    words = ("ask", "Where is tea stored?", "--k", "1")
    variables = {"DEEPSEEK_API_KEY": "sk-1", "ASKMD_FALLBACKS": "openrouter, offline"}

    done = askmd(*words, folder=copy, env=variables)
    answer = askmd_json(*words, folder=copy, env=variables)

    assert done.stdout.startswith("No language model was used")
    assert "tea.md:13" in done.stdout
    assert done.stderr == "".join(f"note: {notice}\n" for notice in answer["notices"])
    assert [notice.split(":")[0] for notice in answer["notices"]] == [
        "model 'deepseek' at 127.0.0.1",
        "model 'openrouter' needs a key",
        "no model could be reached",
    ]
    assert (answer["llm"], answer["incomplete"]) == ("offline", None)


@pytest.mark.parametrize("how", ["slow", "stalled"])
def test_ctrl_c_keeps_what_was_printed(copy: Path, server: ChatServer, how: str) -> None:
    text = "In a closed tin [1]. " + "word " * 10_000
    server.script(Reply(text, delay=0.05) if how == "slow" else Broken("stall", Reply(text), after=10))
    process = subprocess.Popen(
        [ASKMD, "ask", "Where is tea stored?"],
        cwd=copy,
        env={**os.environ, "DEEPSEEK_API_KEY": "sk-1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    begun = process.stdout.read(25)
    interrupted = time.monotonic()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)

    assert time.monotonic() - interrupted < 20, "it does not wait until the entry's `timeout` of 60 s is over"
    assert process.returncode == 130
    assert begun == "In a closed tin [1]. word"
    assert "Sources:\n  [1] " in rest
    assert errors == "askmd: interrupted; what was done so far is kept\n"
    assert server.wait_for_disconnect()


def test_a_follow_up_is_asked_with_what_was_said_before(copy: Path, server: ChatServer) -> None:
    said = [{"role": "user", "content": "Where is tea stored?"}, ["assistant", "In a closed tin [1]."]]
    (copy / "said.json").write_text(json.dumps(said), "utf-8")
    words = ("ask", "And how long does it steep?", "--history", "said.json", "--k", "1")
    server.script(Reply("How long does tea steep?"), Reply("Two minutes [1]."), Reply("Well:\n\nHow long?"))

    explained = askmd(*words, "--explain", folder=copy, DEEPSEEK_API_KEY="sk-1")
    fallen_back = askmd(*words, folder=copy, DEEPSEEK_API_KEY="sk-1")
    offline = askmd_json(*words, "--llm", "offline", folder=copy)

    assert explained.stdout.startswith("Two minutes [1].\n\nSources:\n  [1] ")
    assert explained.stdout.endswith("\n\nSearched for: How long does tea steep?\n")
    assert "\n      score 1.000  dense 0." in explained.stdout
    assert "Searched for" not in fallen_back.stdout
    assert fallen_back.stderr.startswith("note: the model's rewriting of the follow-up question was of no use")
    assert offline["search"] == "Where is tea stored?\nAnd how long does it steep?"


def test_ask_tells_which_sources_changed(copy: Path) -> None:
    coffee = copy / "handbook" / "drinks" / "coffee.md"
    askmd("ingest", "handbook", folder=copy, MILVUS_URI="own.db")
    coffee.write_text("New.\n\n" + FILES["drinks/coffee.md"], "utf-8")
    (copy / "handbook" / "tea.md").unlink()

    done = askmd("ask", "How is espresso made?", "--llm", "offline", folder=copy, MILVUS_URI="own.db")

    assert "coffee.md:7  Coffee › How is espresso made?  (this file changed, and this passage moved)" in done.stdout
    assert "(this file is gone)" in done.stdout
    assert done.stderr == (
        "note: drinks/coffee.md changed and tea.md vanished since the last ingest; run: askmd ingest PATH\n"
    )


def test_offline_needs_no_key(ingested: Path) -> None:
    done = askmd("ask", "How long should green tea steep?", "--llm", "offline", folder=ingested)

    assert "two minutes at 75 degrees" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["ask", "x"],
            "set DEEPSEEK_API_KEY (get a key at https://platform.deepseek.com/api_keys), or use --llm offline",
        ),
        (["ask", "x", "--llm", "gpt"], "no model is called 'gpt'"),
        (["ask", "x", "--prompt", "p", "--llm", "offline"], "no prompt is called 'p'"),
        (["ask", "x", "--k", "0"], "setting k"),
        (["ask", "x", "--mode", "lax"], "setting mode"),
        (["ask", "x", "--budget", "9"], "setting budget"),
        (["search", "x", "--budget", "9"], "setting budget"),
        (["ask", "  ", "--llm", "offline"], "the question is empty"),
        (["ask", "x", "--filter", "rot=1", "--llm", "offline"], "no filter is called 'rot'"),
        (["ask"], "Missing argument 'QUESTION'"),
        (["ask", "x", "--history", "nowhere.json", "--llm", "offline"], "cannot read nowhere.json"),
        (["ask", "x", "--history", "handbook/tea.md", "--llm", "offline"], "cannot read handbook/tea.md"),
        (["ask", "x", "--history", "object.json", "--llm", "offline"], "object.json: not a JSON list of messages"),
        (["ask", "x", "--history", "number.json", "--llm", "offline"], "chat_history is not a list of messages"),
        (["nonsense"], "No such command 'nonsense'"),
        (["search"], "give either a QUESTION, or --queries FILE with --out FILE"),
        (["search", "x", "--queries", "q"], "give either a QUESTION"),
        (["search", "x", "--rerank", "bge"], "no reranker is named 'bge'"),
        (["ask", "x", "--rerank", "endpoint:m", "--llm", "offline"], "set rerank_base_url"),
        (["search", "--queries", "nowhere.jsonl", "--out", "o"], "cannot read nowhere.jsonl"),
        (["search", "--queries", "/dev/null", "--out", "/nowhere/o"], "cannot write /nowhere/o: No such file"),
        (["search", "x", "--frobnicate"], "No such option"),
        (["remove", "nowhere"], "no root is called 'nowhere'; known: handbook"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(ingested: Path, words: list[str], message: str) -> None:
    assert message in askmd(*words, folder=ingested, status=2).stderr


@pytest.mark.parametrize(
    ("words", "env", "message"),
    [
        (["ingest", "nowhere"], {}, "nowhere does not exist"),
        (["chunks", "handbook"], {}, "handbook is a folder; give one file"),
        (["search", "x"], {"MILVUS_URI": "none.db"}, "nothing was ingested yet; run: askmd ingest PATH"),
        (["status"], {"MILVUS_URI": "none.db"}, "nothing was ingested yet"),
        (["search", "x"], {"ASKMD_EMBEDDING": "multilingual"}, "was built with embedding 'minilm+multilingual'"),
        (["ingest", "handbook"], {"ASKMD_CHUNK_TOKENS": "100"}, "chunk_tokens 200, not 100"),
    ],
)
def test_failure_is_one_line_and_status_1(
    ingested: Path, words: list[str], env: Mapping[str, str], message: str
) -> None:
    assert message in askmd(*words, folder=ingested, status=1, env=env).stderr


def test_two_folders_of_one_name_do_not_replace_each_other(copy: Path) -> None:
    write_files(copy / "other" / "handbook", {"x.md": "# X\n\nText.\n"})

    refused = askmd("ingest", "other/handbook", folder=copy, status=1).stderr
    named = askmd_json("ingest", "other/handbook", "--name", "second", folder=copy)
    status = askmd_json("status", folder=copy)

    assert "choose another with --name, or say --name handbook" in refused
    assert named["added"] == 1
    assert {root["name"]: root["files"] for root in status["roots"]} == {"handbook": 2, "second": 1}


def test_rebuild_takes_other_settings_and_all_roots(copy: Path) -> None:
    write_files(copy / "second", {"x.md": "# X\n\nText.\n"})
    askmd("ingest", "second", folder=copy)
    askmd("ingest", "handbook", "--name", "handbook", folder=copy)

    askmd("ingest", "handbook", "--rebuild", folder=copy, ASKMD_CHUNK_TOKENS="32")
    status = askmd_json("status", folder=copy)

    assert status["fingerprint"]["chunk_tokens"] == 32
    assert {root["name"]: root["files"] for root in status["roots"]} == {"handbook": 2, "second": 1}


def test_remove_takes_a_root_out(copy: Path) -> None:
    removed = askmd_json("remove", "handbook", folder=copy)

    assert removed["removed"] > 3
    assert askmd_json("status", folder=copy)["roots"] == []
    assert (copy / "handbook" / "tea.md").exists()


def test_status_models_prompts_and_doctor_tell_and_never_show_a_key(ingested: Path) -> None:
    key = "sk-secret-1"
    commands = ("status", "models", "prompts", "doctor")
    shown = [askmd(command, folder=ingested, DEEPSEEK_API_KEY=key).stdout for command in commands]
    models = askmd_json("models", folder=ingested, DEEPSEEK_API_KEY=key)["models"]
    doctor = askmd_json("doctor", folder=ingested, DEEPSEEK_API_KEY=key)["findings"]

    assert "handbook" in shown[0]
    assert "grounded" in shown[2]
    assert {model["name"]: model["key"] for model in models}["deepseek"] == "DEEPSEEK_API_KEY set"
    assert {finding["state"] for finding in doctor} == {"ok"}
    assert key not in "".join(shown) + str(models) + str(doctor)


def test_doctor_names_what_is_wrong_and_says_so_in_its_status(ingested: Path) -> None:
    wrong = {
        "ASKMD_EMBEDDING": "multilingual",
        "ASKMD_PROMPT": "nope",
        "ASKMD_RERANK": "bge",
        "ASKMD_FALLBACKS": "openai,offline,gpt",
    }
    done = call(["doctor"], ingested, wrong)

    assert done.status == 1
    assert "FAIL  prompt: no prompt is called 'nope'" in done.stdout
    assert "FAIL  store: collection 'askmd' was built with embedding 'minilm+multilingual'" in done.stdout
    assert "warn  chat model: deepseek: DEEPSEEK_API_KEY is not set" in done.stdout
    assert "warn  fallback: openai: OPENAI_API_KEY is not set" in done.stdout
    assert "ok    fallback: offline: needs no key" in done.stdout
    assert "FAIL  fallback: no model is called 'gpt'" in done.stdout
    assert "FAIL  reranker: no reranker is named 'bge'" in done.stdout


def test_help_lists_the_commands_and_loads_nothing_heavy() -> None:
    listed = askmd("--help").stdout
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import askmd.main"], capture_output=True, text=True, check=True
    ).stderr

    for command in ("ingest", "ask", "search", "chunks", "models", "prompts", "status", "doctor"):
        assert f"  {command} " in listed
    for library in ("pymilvus", "langchain_core", "onnxruntime", "openai", "pydantic", "numpy", "rich"):
        assert f" {library}\n" not in loaded


def test_a_reader_that_closes_early_is_no_error(ingested: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{ASKMD} search tea --k 5 --json | head -c 1"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ingested,
    )

    assert (done.stdout, done.stderr) == ("{", "")
