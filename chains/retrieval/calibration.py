"""The gate's threshold for one collection, kept in its properties."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Self

from config.errors import StoreError
from store.collection import GATE_PROPERTY, Store


@dataclass(frozen=True, slots=True)
class Calibration:
    """A confidence below which no answer is expected, and what that refuses of the questions that it was found with."""

    threshold: float
    answerable: int
    unanswerable: int
    refused_answerable: int
    refused_unanswerable: int

    def to_json(self) -> str:
        """Write it for the properties of a collection."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote. Raises ValueError for anything else."""
        values = json.loads(text)
        try:
            return cls(**{field.name: values[field.name] for field in fields(cls)})
        except (TypeError, KeyError):
            raise ValueError(f"not a calibration: {text!r}") from None


def calibration_of(store: Store) -> Calibration | None:
    """Give what was noted of a collection, None where nothing was. Raises StoreError for what cannot be read."""
    noted = store.properties().get(GATE_PROPERTY)
    try:
        return Calibration.from_json(noted) if noted else None
    except ValueError:
        raise StoreError(
            f"collection {store.settings.collection!r} has a calibration that this version cannot read; "
            "make it anew with: askmd eval QUERIES.jsonl --calibrate"
        ) from None


def note_calibration(store: Store, calibration: Calibration) -> None:
    """Let a collection be asked with this threshold from now on."""
    store.set_properties({GATE_PROPERTY: calibration.to_json()})
