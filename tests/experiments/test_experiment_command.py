"""`askmd experiment` on the command line."""

import json
from pathlib import Path

import pytest
import yaml

from experiments.export import to_langsmith, to_promptfoo
from experiments.queries import read_queries
from tests.experiments.runs import write_spec
from tests.support.chat_replies import Reply
from tests.support.chat_server import ChatServer, Request
from tests.support.command import askmd, askmd_json, call

RUN = ("experiment", "run", "spec.toml")
LIGHT = {"ASKMD_EMBEDDING": "minilm"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two models, of which the second answers with nonsense."""

    def reply(request: Request) -> Reply:
        good = request.body["model"] == "one"
        return Reply("For two minutes; Ms Okafor [1]." if good else "Bananas are yellow.")

    folder = tmp_path_factory.mktemp("ran")
    write_spec(folder, 'llm = ["one"]', "repeats = 1")
    questions = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    more = [json.loads(line) | {"id": f"{n}-{json.loads(line)['id']}"} for n in range(6) for line in questions[:2]]
    (folder / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in more), "utf-8")
    with ChatServer(default=reply) as server:
        entries = "".join(
            f'[models.{name}]\nbase_url = "{server.root_url}"\nmodel = "{name}"\n' for name in ("one", "two")
        )
        (folder / "askmd.toml").write_text(f'embedding = "minilm"\n{entries}', "utf-8")
        askmd(*RUN, "--yes", "--out", "good", folder=folder)
        (folder / "bad.toml").write_text((folder / "spec.toml").read_text("utf-8").replace('"one"', '"two"'), "utf-8")
        askmd("experiment", "run", "bad.toml", "--yes", "--out", "bad", folder=folder)
    return folder


def test_a_run_shows_its_plan_its_table_and_where_the_report_is(tmp_path: Path) -> None:
    write_spec(tmp_path, 'llm = ["offline"]\ncontext = ["rag", "none"]')
    done = askmd(*RUN, folder=tmp_path, env=LIGHT)
    assert done.stderr.splitlines()[0] == "rag: 3 calls, about 0 tokens in and 0 out, about $0.0000"
    assert done.stderr.splitlines()[-1] == "6 calls; cost: $0.0000 at most without a cache"
    head, rag, none, *_ = done.stdout.splitlines()
    assert head.split()[:3] == ["arm", "calls", "token_f1"]
    assert (rag.split()[:2], none.split()[:2]) == (["rag", "3"], ["none", "3"])
    assert done.stdout.endswith("\nruns/tea/report.html\n")
    assert {path.name for path in (tmp_path / "runs/tea").iterdir()} >= {
        "run.json",
        "results.jsonl",
        "results.csv",
        "report.html",
    }
    again = askmd(*RUN, folder=tmp_path, env=LIGHT)
    assert again.stderr.splitlines()[-1].startswith("0 calls; 6 were made before; cost: ")
    assert again.stdout == done.stdout


def test_json_has_arms_differences_and_slices(tmp_path: Path) -> None:
    write_spec(tmp_path)
    found = askmd_json(*RUN, folder=tmp_path, env=LIGHT)
    assert set(found) == {"name", "folder", "arms", "differences", "slices"}
    assert found["arms"][0]["means"]["answered"]["n"] == 2


def test_calls_that_cost_something_are_asked_about_first(ran: Path) -> None:
    with ChatServer() as server:
        (ran / "dear.toml").write_text((ran / "spec.toml").read_text("utf-8"), "utf-8")
        done = call(["experiment", "run", "dear.toml", "--out", "dear"], ran)
        assert server.requests == []
    assert done.status == 2
    assert done.stderr.endswith("say --yes to go on without a question\n")
    assert "cost unknown: the entry states no price" in done.stderr
    assert not (ran / "dear" / "results.jsonl").exists()


def test_compare_ends_with_1_where_the_second_run_is_worse_and_with_0_the_other_way(ran: Path) -> None:
    worse = call(["experiment", "compare", "good", "bad"], ran)
    better = call(["experiment", "compare", "bad", "good"], ran)
    same = call(["experiment", "compare", "good", "good"], ran)
    borne = call(["experiment", "compare", "good", "bad", "--metric", "token_f1", "--margin", "0.9"], ran)

    assert (worse.status, better.status, same.status, borne.status) == (1, 0, 0, 0)
    assert "WORSE  token_f1: two is worse than one by 0." in worse.stdout
    assert "ok     token_f1: one is better than two by 0." in better.stdout
    assert "do not differ on these 12 questions" in same.stdout
    assert same.stdout.endswith("shown to be worse by more than 0.02\n")
    found = json.loads(call(["experiment", "compare", "good", "bad", "--metric", "chrf", "--json"], ran).stdout)
    assert [(each["metric"], each["worse"]) for each in found["differences"]] == [("chrf", True)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare", "good", "nowhere"], "nowhere is no folder of a run"),
        (["compare", "good", "handbook"], "handbook holds no run of an experiment"),
        (["compare", "good", "bad", "--metric", "beauty"], "no metric is called 'beauty'"),
        (["compare", "good", "bad", "--arm", "x"], "no arm 'x' is in both"),
        (["report", "handbook"], "handbook holds no run of an experiment"),
        (["run", "nowhere.toml"], "cannot read nowhere.toml"),
        (["run", "spec.toml", "--export", "excel"], "no export is called 'excel'"),
        (["run", "spec.toml", "--limit", "0"], "limit"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(ran: Path, words: list[str], message: str) -> None:
    assert message in askmd("experiment", *words, folder=ran, status=2).stderr


def test_the_report_can_be_written_anew(ran: Path) -> None:
    before = (ran / "good" / "report.html").read_bytes()
    (ran / "good" / "report.html").unlink()
    assert askmd("experiment", "report", "good", folder=ran).stdout == "good/report.html\n"
    assert (ran / "good" / "report.html").read_bytes() == before


def test_questions_go_to_other_tools(tmp_path: Path) -> None:
    write_spec(tmp_path)
    askmd(*RUN, "--export", "langsmith", folder=tmp_path, env=LIGHT)
    askmd(*RUN, "--export", "promptfoo", folder=tmp_path, env=LIGHT)
    queries = {query.id: query for query in read_queries(tmp_path / "questions.jsonl")}

    examples = [json.loads(line) for line in (tmp_path / "runs/tea/langsmith.jsonl").read_text("utf-8").splitlines()]
    steep = next(each for each in examples if each["metadata"]["id"] == "steep")
    assert steep["inputs"] == {"question": "How long should green tea steep?"}
    assert steep["outputs"] == {"answers": ["For two minutes."], "answerable": True}
    tests = yaml.safe_load((tmp_path / "runs/tea/promptfoo.yaml").read_text("utf-8"))
    asserts = {each["description"]: each["assert"] for each in tests}
    assert asserts["steep"][0] == {"type": "icontains-any", "value": ["two minutes"]}
    assert asserts["cup"] == [
        {"type": "llm-rubric", "value": "The documents do not answer this; the answer says so and claims nothing."}
    ]
    assert {each["vars"]["question"] for each in tests} == {query.question for query in queries.values()}
    assert to_langsmith([]) == ""
    assert yaml.safe_load(to_promptfoo([])) == []
