"""A run made by hand, with everything that a report can show: failures, refusals, repeats, scripts in texts."""

from typing import Any

from experiments.measuring.measures import measure_answer
from experiments.queries import Passage, Query
from experiments.records import Arm, Record
from experiments.results import Results
from tests.experiments.answers import answer
from tests.experiments.passages import hit

TEA = "Loose leaves are kept in a closed tin, away from light. <script>document.title = 'owned'</script>"
JAR = "A glass jar lets light in, so that leaves turn pale within weeks."
TIN = "kept in a closed tin"
EVIL = "In a closed tin [1]. <img src=x onerror=\"document.title='owned'\"> ![i](http://x.example/i.png) [more](javascript:alert(1)) [9?]"
ARMS = ("rag · large", "rag · small", "none")
KINDS = ("fact", "task")


def sample_results(questions: int = 14) -> Results:
    """Give a run of three arms; the same for the same number of questions."""
    queries = [_query(n) for n in range(questions)]
    arms = [
        Arm(
            name=name,
            prompt="bare" if name == "none" else "grounded",
            llm="m",
            context="none" if name == "none" else "rag",
        )
        for name in ARMS
    ]
    records = [_record(place, arm, n, query) for n, query in enumerate(queries) for place, arm in enumerate(arms)]
    run: dict[str, Any] = {
        "begun": "2026-11-27T10:00:00+00:00",
        "spec": {"name": "sample", "seed": 0, "repeats": 1},
        "settings": {"k": 5},
        "versions": {"askmd": "0.1.0"},
        "models": {"m": "some-model"},
        "prompts": {
            "grounded": {
                "sha256": "a" * 64,
                "system": "Say <b>only</b> what stands there.",
                "user": "{{question}}",
                "policies": {},
            }
        },
    }
    return Results("sample", arms, queries, records, seed=0, repeats=1, run=run)


def _query(n: int) -> Query:
    if n % 7 == 6:
        return Query(f"un{n}", "en", "unanswerable", f"Who won the cup in {1990 + n}?", ())
    question = "Wo wird Tee aufbewahrt?" if n % 5 == 4 else f"Where is tea number {n} kept?"
    lang = "de" if n % 5 == 4 else "en"
    return Query(f"q{n}", lang, KINDS[n % 2], question, ((Passage("tea.md", TIN, None),),), ("In a closed tin.",))


def _record(place: int, arm: Arm, n: int, query: Query) -> Record:
    error = "model 'm' at 127.0.0.1: 503, the server failed; try again later" if (place, n) == (1, 3) else None
    if (place, n) == (2, 5):
        error = "the answer is incomplete: it broke off"
    given = _answer(place, n, query)
    seconds = (1.2, 0.7, 0.4)[place] + n / 100
    measures = {} if error else measure_answer(query, given, arm.context, seconds / 3, seconds)
    return Record(
        arm=arm.name, question=query.id, repeat=0, answer=None if error else dict(given), error=error,
        first_token_seconds=seconds / 3, seconds=seconds, cached=False, measures=measures,
    )  # fmt: skip


def _answer(place: int, n: int, query: Query) -> Any:
    tea, jar = hit(TEA, 10, "tea.md"), hit(JAR, 200, "jar.md")
    usage = {
        "cost": (0.002, 0.0007, 0.0004)[place],
        "calls": 1,
        "input_tokens": 900,
        "cached_input_tokens": 0,
        "output_tokens": 60 + n,
        "reasoning_tokens": 0,
        "prices_checked": None,
    }
    if place == 2:
        return answer(f"Mostly in jars, or in drawer {n}.", usage=usage, search="", uncited=[])
    if not query.needs:
        return answer("The documents do not answer this question.", tea, refused=True, usage=usage)
    start = tea["start"] + TEA.index(TIN)
    quote = {"text": TIN, "start": start, "end": start + len(TIN), "start_line": 1, "end_line": 1}
    text = (
        EVIL
        if n == 0
        else "In a **closed tin** [1]."
        if place == 0 or n % 3
        else "It stands in a jar [1]. Nobody knows why."
    )
    sources = (tea, jar) if place == 0 or n % 3 else (jar, tea)
    uncited = [{"text": "Nobody knows why.", "start": 24, "end": 41}] if "Nobody" in text else []
    given = answer(text, *sources, cited=(1,), usage=usage, uncited=uncited)
    given["citations"][0]["quote"] = quote if sources[0] is tea else None  # type: ignore[typeddict-item]
    return given
