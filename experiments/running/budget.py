"""What a run may spend."""

from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Budget:
    """What this run has spent, and whether it may begin further calls."""

    limit: float | None
    spent: float = 0.0
    closed: bool = False
    lock: Lock = field(default_factory=Lock)

    def spent_up(self) -> bool:
        """Whether no further call may begin."""
        with self.lock:
            return self.closed or (self.limit is not None and self.spent >= self.limit)

    def add(self, cost: float) -> None:
        """Count what a call of a model cost, US dollars."""
        with self.lock:
            self.spent += cost

    def close(self) -> None:
        """Let no further call begin, whatever is left."""
        with self.lock:
            self.closed = True
