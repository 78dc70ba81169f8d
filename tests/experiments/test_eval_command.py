"""`askmd eval`, run as a command."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import askmd, askmd_json
from tests.support.corpus import COFFEE, FILES, TEA
from tests.support.rerank_server import RerankServer, results
from tests.support.stores import write_files


def line(id_: str, question: str, doc: str = "", excerpt: str = "", **more: Any) -> dict[str, Any]:
    text = {"tea.md": TEA, "drinks/coffee.md": COFFEE}.get(doc, "")
    start = text.index(excerpt) if excerpt in text else None
    relevant = [{"doc": doc, "excerpt": excerpt, "start": start}] if doc else []
    return {"id": id_, "lang": "en", "question": question, "answers": [], "relevant": relevant, **more}


QUESTIONS = [
    line("steep", "How long should green tea steep?", "tea.md", "Green tea steeps for two minutes at 75 degrees."),
    line("tin", "Where is tea kept?", "tea.md", "Loose leaves are kept in a closed tin", kind="place"),
    line("repair", "Who mends the machine?", "drinks/coffee.md", "repaired by Ms Okafor", lang="fr"),
    line("lost", "What is in the tin?", "tea.md", "text that stands nowhere"),
    line("cup", "Who won the cup in 1998?"),
    line("moon", "How far away is the moon?"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a store of the handbook, and questions about it."""
    folder = tmp_path_factory.mktemp("evaluated")
    write_files(folder / "handbook", FILES)
    askmd("ingest", "handbook", folder=folder)
    lines = [json.dumps(question, ensure_ascii=False) for question in QUESTIONS]
    (folder / "questions.jsonl").write_text("\n".join(lines), "utf-8")
    return folder


def test_it_shows_metrics_slices_refusal_and_latency(folder: Path) -> None:
    shown = askmd("eval", "questions.jsonl", "--per-question", folder=folder).stdout.splitlines()

    assert shown[0] == "4 answerable and 2 unanswerable questions, 20 hits each"
    starts = [words[0] for words in (text.split() for text in shown) if words]
    assert starts[1:8] == ["metric", "hit@1", "hit@5", "recall@5", "mrr@10", "ndcg@10", "cover@1500"]
    assert starts[8:14] == ["lang", "en", "fr", "kind", "-", "place"]
    assert "refusal by" in "\n".join(shown)
    assert any(text.startswith("latency of a search: p50 ") for text in shown)
    table = [text.split()[:3] for text in shown[-6:]]
    assert table[0][:2] == ["-", "lost"]
    assert [row[0] for row in table[-2:]] == ["no", "no"]


def test_its_file_and_its_json_are_the_same_and_name_no_key(folder: Path) -> None:
    found = askmd_json(
        "eval", "questions.jsonl", "--out", "new.json", "--k", "7", "--filter", "path=*.md",
        folder=folder, MILVUS_TOKEN="root:secret",
    )  # fmt: skip

    text = (folder / "new.json").read_text("utf-8")
    assert json.loads(text) == found
    assert "secret" not in text
    assert str(folder) not in text
    assert (found["setup"]["settings"]["k"], found["setup"]["filters"]) == (7, {"path": "*.md"})
    assert found["setup"]["store"]["embedding"] == found["setup"]["settings"]["embedding"]
    assert found["metrics"]["hit@5"]["mean"] == 0.75
    assert found["refusal"]["score"]["auroc"]["n"] == 6
    assert [question["id"] for question in found["questions"]] == [question["id"] for question in QUESTIONS]


def test_it_compares_with_an_earlier_result(folder: Path) -> None:
    askmd("eval", "questions.jsonl", "--out", "old.json", "--k", "1", folder=folder)
    shown = askmd("eval", "questions.jsonl", "--compare", "old.json", folder=folder).stdout
    told = askmd_json("eval", "questions.jsonl", "--compare", "old.json", folder=folder)

    assert "compared over 4 answerable questions in both\n" in shown
    changes = [line for line in shown.splitlines() if " -> " in line]
    assert changes == ["k: 1 -> 20"]
    assert "\nhit@1: no difference shown\n" in shown
    assert told["comparison"]["paired"] == 4


def test_it_measures_a_reranker_and_compares(folder: Path) -> None:
    askmd("eval", "questions.jsonl", "--out", "fused.json", folder=folder)
    with RerankServer(prefer="okafor") as server:
        name = f"pymilvus:TEIRerankFunction?api_url={server.root_url}"
        words = ["eval", "questions.jsonl", "--rerank", name]
        shown = askmd(*words, "--compare", "fused.json", folder=folder).stdout
        found = askmd_json(*words, folder=folder)

    assert "\nrerank: None -> pymilvus:TEIRerankFunction?api_url=...\n" in shown
    assert found["metrics"]["hit@1"]["mean"] == 0.25, "every question finds Ms Okafor first"
    assert {"fused", "rerank"} <= set(found["refusal"])
    assert server.host not in json.dumps(found)


def test_a_failing_reranker_is_not_measured(folder: Path) -> None:
    with RerankServer() as server:
        options: dict[str, Any] = {"folder": folder, "ASKMD_RERANK_BASE_URL": server.base_url}
        server.script(results((0, 1.0)), results((0, 1.0)))
        done = askmd("eval", "questions.jsonl", "--rerank", "endpoint:m", status=1, **options)

    assert "reranker endpoint:m gave 1 scores for" in done.stderr
    assert done.stdout == ""


def test_it_calibrates_the_gate_of_the_collection(folder: Path) -> None:
    before = askmd_json("status", folder=folder)["gate"]
    shown = askmd("eval", "questions.jsonl", "--calibrate", folder=folder).stdout
    told = askmd_json("eval", "questions.jsonl", "--calibrate", folder=folder)

    gate = told["gate"]
    assert before is None
    assert (gate["answerable"], gate["unanswerable"], gate["refused_answerable"]) == (4, 2, 0)
    assert told["refusal"]["confidence"]["auroc"]["n"] == 6
    line = f"evidence gate: a confidence below {gate['threshold']:.3f} refuses {gate['refused_unanswerable']} of 2 "
    assert line + "unanswerable and 0 of 4 answerable questions\n" in shown
    assert line in askmd("status", folder=folder).stdout
    assert askmd_json("status", folder=folder)["gate"] == gate

    askmd("ingest", "handbook", "--rebuild", folder=folder)
    assert askmd_json("status", folder=folder)["gate"] == gate


def test_one_kind_of_question_calibrates_nothing(folder: Path) -> None:
    (folder / "one.jsonl").write_text(json.dumps(QUESTIONS[0]), "utf-8")

    message = askmd("eval", "one.jsonl", "--calibrate", folder=folder, status=2).stderr

    assert "calibrating needs questions of both kinds" in message
    assert "the file holds 1 and 0" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gone.jsonl"], "cannot read gone.jsonl"),
        (["bad.jsonl"], "bad.jsonl:1: question: Field required"),
        (["questions.jsonl", "--k", "0"], "k"),
        (["questions.jsonl", "--filter", "colour=red"], "no filter is called 'colour'"),
        (["questions.jsonl", "--compare", "questions.jsonl"], "questions.jsonl is not a result of askmd eval"),
        (["questions.jsonl", "--out", "nowhere/new.json"], "cannot write nowhere/new.json"),
        (["elsewhere.jsonl"], "the store holds none of the documents that the questions name, such as 'x/tea.md'"),
        ([], "Missing argument"),
    ],
)
def test_wrong_use_ends_with_2(folder: Path, words: list[str], message: str) -> None:
    (folder / "bad.jsonl").write_text('{"id": "1", "relevant": []}', "utf-8")
    (folder / "elsewhere.jsonl").write_text(json.dumps(line("1", "What?", "x/tea.md", "Tea")), "utf-8")
    assert message in askmd("eval", *words, folder=folder, status=2).stderr


def test_a_store_that_is_not_there_ends_with_1(folder: Path, tmp_path: Path) -> None:
    done = askmd("eval", str(folder / "questions.jsonl"), folder=tmp_path, status=1)
    assert "askmd.db" in done.stderr
