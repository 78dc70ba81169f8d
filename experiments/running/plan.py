"""What a run will ask and cost, before it does. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chains.models.cost import computed_cost
from chains.prompting.prompts import Prompt
from config.models import ChatModelSpec
from experiments.records import Arm

CHARS_PER_TOKEN = 4
"""A rule of thumb for English prose."""
ANSWER_TOKENS = 250
"""What an answer is taken to have; measured answers of the shipped prompts lie between 60 and 400."""


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """The calls of an arm that are still to be made. None is unknown: the entry states no price."""

    arm: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All arms; `done` counts the calls that an earlier run made."""

    arms: Sequence[ArmPlan]
    done: int
    judged: int = 0
    """Calls of the judge on top."""

    @property
    def calls(self) -> int:
        """Calls to be made, without those of the judge."""
        return sum(arm.calls for arm in self.arms)

    @property
    def cost(self) -> float | None:
        """US dollars, without the judge; None if one of the arms is unknown."""
        costs = [arm.cost for arm in self.arms if arm.calls]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


def plan_arm(arm: Arm, calls: int, prompt: Prompt, spec: ChatModelSpec, evidence_tokens: int | None) -> ArmPlan:
    """Estimate: the prompt's own text, the evidence, and an answer of usual length."""
    own = len(prompt.system + prompt.user + max(prompt.policies.values(), key=len, default="")) // CHARS_PER_TOKEN
    given = calls * (own + (evidence_tokens or 0))
    said = calls * ANSWER_TOKENS
    if spec.provider == "offline":
        return ArmPlan(arm.name, calls, 0, 0, 0.0)
    known = spec.prices and evidence_tokens is not None
    cost = computed_cost(spec.prices, given, 0, said) if spec.prices and known else None
    return ArmPlan(arm.name, calls, given, said, cost)


def evidence_tokens(arm: Arm, settings: Mapping[str, int], corpus_tokens: int | None) -> int | None:
    """Estimate the tokens of passages in a prompt of an arm, by the settings `k`, `budget` and `passage_chars`.

    None is unknown: that of a whole corpus of unknown size.
    """
    if arm.context == "none":
        return 0
    if arm.context == "full":
        return corpus_tokens
    found = arm.settings.get("k", settings["k"]) * max(settings["passage_chars"], 800) // CHARS_PER_TOKEN
    return int(min(found, settings["budget"]))
