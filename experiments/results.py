"""What a run gives to whoever looks at it: arms, questions, and the last record of every call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.queries import Query
from experiments.records import Arm, Preference, Record


@dataclass(frozen=True, slots=True)
class Results:
    """A run, whole or as far as it got: `records` holds one record a call, the latest."""

    name: str
    arms: Sequence[Arm]
    queries: Sequence[Query]
    records: Sequence[Record]
    seed: int
    repeats: int
    run: Mapping[str, Any]
    """What the run noted about itself: spec, settings without secrets, versions, prompt texts and their hashes."""
    preferences: Sequence[Preference] = ()
