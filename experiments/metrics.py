"""The measures that a record may hold: what each is called, and which way it is better."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "tokens", "characters", "seconds", "dollars"]


@dataclass(frozen=True, slots=True)
class Metric:
    """`name` is its key in Record.measures; shares lie between 0 and 1."""

    name: str
    title: str
    unit: Unit = "share"
    better: Literal["more", "less"] = "more"
