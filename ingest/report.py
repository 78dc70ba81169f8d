"""What an ingest did, or would do."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """Something the user should know of a file; `skipped` where it could not be ingested."""

    doc: str
    reason: str
    skipped: bool = field(default=False, kw_only=True)


@dataclass
class SyncReport:
    """Counts of files; but `chunks` are those of the root afterwards, `embedded` those that went through the model."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    deleted: int = 0
    unchanged: int = 0
    chunks: int = 0
    embedded: int = 0
    reported: list[Report] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def touched(self) -> int:
        """Files that were not as the store had them."""
        return self.added + self.changed + self.moved + self.deleted

    @property
    def skipped(self) -> int:
        """Files that could not be ingested."""
        return sum(report.skipped for report in self.reported)

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}
