"""Runs an experiment: every arm is asked every question, and each call is written down as it ends."""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from chains.prompting.prompts import load_prompts
from chains.schema import Answer
from config.errors import ConfigError
from config.models import find_model
from config.settings import Settings
from experiments.measuring.judge import judge_answer, judge_pair
from experiments.queries import Query, read_queries
from experiments.records import Arm, Preference, Record
from experiments.results import Results
from experiments.running.arm_chains import ArmChains
from experiments.running.asking import Call, ask
from experiments.running.budget import Budget
from experiments.running.plan import CHARS_PER_TOKEN, Plan, evidence_tokens, plan_arm
from experiments.running.provenance import decisive, provenance
from experiments.running.reply_cache import ReplyCache
from experiments.running.run_folder import RunFolder
from experiments.spec import Spec, arms, models_asked, settings_of
from experiments.statistics.analysis import compared
from ingest.find import find_docs, open_root
from ingest.load import read_bytes

Ended = Callable[[Record], None]
RUNS = Path("runs")
REPLIES = RUNS / "replies.db"


def ignore(_record: Record) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A spec made ready: its arms, its questions in their order, and where its results go."""

    spec: Spec
    settings: Settings
    arms: Sequence[Arm]
    queries: Sequence[Query]
    folder: RunFolder

    def calls(self) -> Iterator[Call]:
        """Give every call, all arms on a question one after another, so that a run cut short compares what it has."""
        for repeat in range(self.spec.repeats):
            for query in self.queries:
                yield from (Call(arm, query, repeat) for arm in self.arms)


def prepare(spec: Spec, settings: Settings, out: Path | None = None, limit: int | None = None) -> Experiment:
    """Read the questions and make out the arms. Raises ConfigError for what cannot be run.

    The seed decides the order of the questions; `limit` takes the first of them.
    """
    chosen = settings_of(spec, settings).model_copy(update={"fallbacks": ()})  # each arm answers for itself
    queries = read_queries(spec.queries)
    random.Random(spec.seed).shuffle(queries)  # noqa: S311 - an order, no secret
    folder = RunFolder(out or RUNS / spec.name)
    return Experiment(spec, chosen, arms(spec, chosen), queries[:limit], folder)


def open_calls(experiment: Experiment, *, retry_failed: bool = False) -> list[Call]:
    """Give the calls that are still to be made; those that failed only where they are to be tried again."""
    done = {record.key for record in experiment.folder.records() if record.answer is not None or not retry_failed}
    return [call for call in experiment.calls() if call.key not in done]


def plan(experiment: Experiment, *, retry_failed: bool = False) -> Plan:
    """Say what a run will ask and cost."""
    corpus_tokens = _corpus_tokens(experiment)
    calls = open_calls(experiment, retry_failed=retry_failed)
    prompts = load_prompts(experiment.settings.prompts_dir)
    models = experiment.settings.chat_models()
    values = experiment.settings.model_dump()
    rows = [
        plan_arm(
            arm,
            sum(call.arm == arm for call in calls),
            prompts[arm.prompt],
            find_model(models, arm.llm),
            evidence_tokens(arm, values, corpus_tokens),
        )
        for arm in experiment.arms
    ]
    total = sum(1 for _ in experiment.calls())
    pairs = len(calls) // len(experiment.arms) * len(compared(experiment.arms)) if experiment.spec.pairwise else 0
    return Plan(rows, total - len(calls), len(calls) + 2 * pairs if experiment.spec.judge else 0)


def _corpus_tokens(experiment: Experiment) -> int | None:
    """Estimate what the whole corpus has, by the size of its files; None where it is in a store already."""
    corpus = experiment.spec.corpus
    if corpus is None:
        return None
    root = open_root(corpus)
    return sum(len(read_bytes(root, doc)) for doc in find_docs(root).docs) // CHARS_PER_TOKEN


def run_experiment(  # noqa: PLR0913 - each is a choice of its own
    spec: Spec,
    settings: Settings,
    *,
    out: Path | None = None,
    limit: int | None = None,
    max_cost: float | None = None,
    use_cache: bool = True,
    retry_failed: bool = False,
    ended: Ended = ignore,
) -> Results:
    """Run what is still to be run of an experiment, and give all of its results.

    Each call is written to `out` (else runs/NAME) as it ends; a run that was broken off, however, goes on from there.
    `max_cost` (US dollars) begins no further call once so much was spent by this run. Raises ConfigError, StoreError
    and SourceError for what cannot be run at all; a call that fails is a record like others.
    """
    return run(
        prepare(spec, settings, out, limit),
        max_cost=max_cost,
        use_cache=use_cache,
        retry_failed=retry_failed,
        ended=ended,
    )


def run(
    experiment: Experiment,
    *,
    max_cost: float | None = None,
    use_cache: bool = True,
    retry_failed: bool = False,
    ended: Ended = ignore,
) -> Results:
    """Do the same with an experiment that was prepared."""
    if max_cost is not None:
        _require_prices(experiment)
    folder, budget = experiment.folder, Budget(max_cost)
    with folder.held(), ExitStack() as stack:
        replies = stack.enter_context(closing(ReplyCache(REPLIES))) if use_cache else None
        chains = stack.enter_context(ArmChains(experiment.spec, experiment.settings, folder.path, replies, budget.add))
        chains.open(experiment.arms)
        chains.require_documents(experiment.queries)
        folder.begin(
            provenance(experiment.spec, experiment.settings, experiment.arms, experiment.queries),
            decisive(experiment.spec, experiment.settings, experiment.arms, chains.corpus_hash()),
        )
        calls = open_calls(experiment, retry_failed=retry_failed)
        with ThreadPoolExecutor(experiment.spec.concurrency, thread_name_prefix="askmd-experiment") as pool:
            futures = [pool.submit(_make, call, chains, experiment, budget) for call in calls]
            try:
                for future in as_completed(futures):
                    if (record := future.result()) is not None:
                        ended(record)
                if experiment.spec.pairwise:
                    list(pool.map(partial(_prefer, chains, experiment, budget), open_pairs(experiment)))
            except BaseException:
                budget.close()  # those under way are paid for: they end, and are kept
                raise
    return folder.results()


def _make(call: Call, chains: ArmChains, experiment: Experiment, budget: Budget) -> Record | None:
    if budget.spent_up():
        return None
    record = ask(call, chains.chain(call.arm, call.repeat), chains.choices(call.arm))
    if experiment.spec.judge and record.answer is not None:
        judged = judge_answer(call.query, cast("Answer", record.answer), chains.judge(call.arm, call.repeat))
        marks = {name: judged[name] for name in ("faithfulness", "correctness")}
        record = record.model_copy(update={"judge": judged, "measures": record.measures | marks})
    if call.arm.context == "full" and record.answer is not None:
        record.answer["sources"] = [s for s in record.answer["sources"] if s["n"] in record.answer["cited"]]
    experiment.folder.append(record)
    return record


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to the same question."""

    query: Query
    arms: tuple[Arm, Arm]
    repeat: int
    answers: tuple[Any, Any]


def open_pairs(experiment: Experiment) -> list[Pair]:
    """Give the pairs of answers that the judge has not compared yet, of the arms that the analysis compares."""
    records = {record.key: record for record in experiment.folder.records()}
    done = {preference.key for preference in experiment.folder.preferences() if preference.error is None}
    pairs = []
    for repeat in range(experiment.spec.repeats):
        for query in experiment.queries:
            for first, second in compared(experiment.arms):
                one, two = records.get((first.name, query.id, repeat)), records.get((second.name, query.id, repeat))
                known = (query.id, repeat, first.name, second.name) in done
                if not known and one and two and one.answer and two.answer:
                    pairs.append(Pair(query, (first, second), repeat, (one.answer, two.answer)))
    return pairs


def _prefer(chains: ArmChains, experiment: Experiment, budget: Budget, pair: Pair) -> None:
    if budget.spent_up():
        return
    judged = judge_pair(pair.query, *pair.answers, chains.judge(pair.arms[0], pair.repeat))
    first, second = (arm.name for arm in pair.arms)
    experiment.folder.append(
        Preference(question=pair.query.id, repeat=pair.repeat, first=first, second=second, **judged)
    )


def _require_prices(experiment: Experiment) -> None:
    models = experiment.settings.chat_models()
    for name in models_asked(experiment.spec, experiment.arms):
        spec = models[name]
        if spec.provider != "offline" and not spec.prices and not spec.states_cost:
            raise ConfigError(
                f"--max-cost cannot be kept: nobody states what model {name!r} costs; give its entry `prices`"
            )
