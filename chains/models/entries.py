"""Which entries of the registry may answer a question: the one that was chosen, then its fallbacks. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from config.errors import AskmdError, ConfigError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

OpenModel = Callable[[str], "BaseChatModel"]
"""Gives the model of an entry. Raises ConfigError where it cannot be had, above all without its key."""

Tell = Callable[[AskmdError], str]
"""Puts a failure into words for the reader: `str`, or `public_text` where the reader is anybody."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries that may be asked, in this order, and the failures of those that were."""

    names: tuple[str, ...]
    failures: tuple[AskmdError, ...] = ()

    @classmethod
    def of(cls, chosen: str, fallbacks: Sequence[str]) -> "Entries":
        """Put the chosen entry first; none stands there twice."""
        return cls(tuple(dict.fromkeys([chosen, *fallbacks])))

    @property
    def next(self) -> str:
        """The entry whose turn it is."""
        return self.names[len(self.failures)]

    def notices(self, tell: Tell) -> list[str]:
        """Say what became of those before, a sentence each."""
        return [
            f"{tell(failure)}; {successor!r} takes its place"
            for failure, successor in zip(self.failures, self.names[1:], strict=False)
        ]

    def without_first(self, failure: AskmdError) -> "Entries":
        """Go on to the next. Raises the first failure where there is none, with the others in its text."""
        failures = (*self.failures, failure)
        if len(failures) == len(self.names):
            first = failures[0]
            first.args = ("; and ".join(map(str, failures)),)
            raise first
        return replace(self, failures=failures)

    def at_one_that_opens(self, open_model: OpenModel) -> "Entries":
        """Pass over entries whose model cannot be had. Raises ConfigError, as `without_first` does, if all are such."""
        try:
            open_model(self.next)
        except ConfigError as error:
            failure = error
        else:
            return self
        return self.without_first(failure).at_one_that_opens(open_model)
