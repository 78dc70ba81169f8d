"""What Prometheus reads: how much is asked, how long it takes, what it costs, what fails."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_TOKENS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")


class Metrics:
    """Those of one app, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        kept: Any = {"registry": self._registry}
        self.requests = Counter("askmd_requests", "Requests.", ["route", "method", "status"], **kept)
        self.seconds = Histogram(
            "askmd_stage_seconds", "Seconds until a stage is done.", ["stage"], buckets=_SECONDS, **kept
        )
        self.answers = Counter("askmd_answers", "Answers.", ["llm", "outcome"], **kept)
        self.errors = Counter("askmd_errors", "Questions that failed.", ["kind"], **kept)
        self.tokens = Counter("askmd_tokens", "Tokens as providers report them.", ["llm", "kind"], **kept)
        self.cost = Counter("askmd_cost_dollars", "What models cost, as far as it is known.", ["llm"], **kept)
        self.chunks = Gauge("askmd_store_chunks", "Chunks in the store.", **kept)

    def answered(self, answer: Mapping[str, Any]) -> None:
        """Count an answer."""
        llm, usage = answer["llm"], answer["usage"]
        outcome = "incomplete" if answer["incomplete"] else "refused" if answer["refused"] else "whole"
        self.answers.labels(llm, outcome).inc()
        for kind in _TOKENS:
            self.tokens.labels(llm, kind.removesuffix("_tokens")).inc(usage[kind] or 0)
        self.cost.labels(llm).inc(usage["cost"] or 0)

    def text(self) -> bytes:
        """Give all in Prometheus' text format."""
        return generate_latest(self._registry)
