"""Which entries of the registry may answer a question: the one that was chosen, then its fallbacks. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.errors import AskmdError, ConfigError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

OpenModel = Callable[[str], "BaseChatModel"]
"""Gives the model of an entry. Raises ConfigError where it cannot be had, above all without its key."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries that may still be asked, the next one first; and what became of those before."""

    left: tuple[str, ...]
    failures: tuple[AskmdError, ...] = ()
    notices: tuple[str, ...] = ()
    """The same for the reader, a sentence each."""

    @classmethod
    def of(cls, chosen: str, fallbacks: Sequence[str]) -> "Entries":
        """Put the chosen entry first; none stands there twice."""
        return cls(tuple(dict.fromkeys([chosen, *fallbacks])))

    def without_first(self, failure: AskmdError) -> "Entries":
        """Go on to the next. Raises the first failure where there is none, with the others in its text."""
        failures = (*self.failures, failure)
        if len(self.left) == 1:
            first = failures[0]
            first.args = ("; and ".join(map(str, failures)),)
            raise first
        return Entries(self.left[1:], failures, (*self.notices, f"{failure}; {self.left[1]!r} takes its place"))

    def at_one_that_opens(self, open_model: OpenModel) -> "Entries":
        """Pass over entries whose model cannot be had. Raises ConfigError, as `without_first` does, if all are such."""
        try:
            open_model(self.left[0])
        except ConfigError as error:
            failure = error
        else:
            return self
        return self.without_first(failure).at_one_that_opens(open_model)
