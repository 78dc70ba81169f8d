"""What an experiment leaves behind: its arms, its questions, and a record of every call. Plain data, read from JSON."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Context = Literal["rag", "none", "full"]
"""Passages that were retrieved, nothing, or the whole corpus in the prompt."""


class Arm(BaseModel):
    """One cell of the matrix: everything that is asked the same questions under the same settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The values that set it apart from the other arms, such as `rag · deepseek`; unique within the run."""
    prompt: str
    llm: str
    context: Context
    settings: dict[str, Any] = Field(default_factory=dict)
    """Retrieval settings that differ from the run's: `k`, `mode`, `order`, `embedding`, `chunk_tokens`."""


class Record(BaseModel):
    """One call: an arm's answer to a question, or its failure, which is never counted as an answer."""

    model_config = ConfigDict(extra="forbid")

    arm: str
    question: str
    """The id of the question."""
    repeat: int
    """From 0."""
    answer: dict[str, Any] | None
    """The fields of chains.schema.Answer; None for a failure."""
    error: str | None
    """Why it failed, in one line; None for an answer."""
    first_token_seconds: float | None
    seconds: float
    """Until the answer was whole; both as measured when the reply was made, also for a cached one."""
    cached: bool
    """The reply was made by an earlier call and cost nothing now."""
    measures: dict[str, float | None] = Field(default_factory=dict)
    """By the name of the metric; None where it does not apply to this question or answer."""
    judge: dict[str, Any] | None = None
    """What the judge said: its raw reply and what was read in it; None without a judge."""

    @property
    def key(self) -> tuple[str, str, int]:
        """Which call of the run it is."""
        return self.arm, self.question, self.repeat


class Preference(BaseModel):
    """Which of two arms' answers to a question the judge prefers; see experiments/measuring/judge.py."""

    model_config = ConfigDict(extra="forbid")

    question: str
    repeat: int
    first: str
    """The name of an arm."""
    second: str
    preference: Literal["first", "second", "tie"]
    consistent: bool
    """Both orders led to the same verdict."""
    failed: bool
    """A reply held no verdict."""
    error: str | None
    """The judge could not be asked."""
    raw: list[str]
    """Its replies: with `first` in front, and with `second` in front."""

    @property
    def key(self) -> tuple[str, int, str, str]:
        """Which comparison of the run it is."""
        return self.question, self.repeat, self.first, self.second
