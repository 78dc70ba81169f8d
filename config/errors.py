"""What can go wrong, as one small tree.

    AskmdError            every failure that askmd foresees; its text is one line for the user
    ├── ConfigError       a setting, name, prompt file or key is wrong or missing: the user can mend it
    │   ├── QuestionError what was asked, or chosen for it, is not well-formed or names nothing
    │   └── KeyMissing    the chat model that was chosen has no key
    ├── SourceError       a Markdown source cannot be found, read or decoded
    ├── StoreError        Milvus: unreachable, locked, damaged, or built with other settings
    ├── EmbeddingError    an embedding model cannot be loaded or does not answer
    ├── EngineError       a cluster that reads and embeds for an ingest fails
    ├── RerankError       a reranker does not answer, or not with a score for each passage
    └── ModelError        a chat model cannot be reached, refuses, or breaks off

A message names the thing, the bad value and what to do: it is for whoever runs askmd. Only the edge (command line,
server) turns an error into an exit status or a response; everything below raises.
"""


class AskmdError(Exception):
    """Base of every foreseen failure.

    `exit_status` is what the command line exits with: 1 for a failure, 2 for wrong use. `told` is what anybody may be
    told of it: no path, host or key, and no word of a provider.
    """

    exit_status = 1
    told = "this cannot be done now"


class ConfigError(AskmdError):
    """A setting, a name, a prompt file or a key is wrong or missing."""

    exit_status = 2
    told = "askmd is not set up for this"


class QuestionError(ConfigError):
    """What was asked, or chosen for it, is not well-formed or names nothing; its text is fit for whoever asked."""


class KeyMissing(ConfigError):  # noqa: N818 - it reads as what it is
    """The chat model that was chosen has no key."""

    told = "the chat model has no key here; choose another"


class SourceError(AskmdError):
    """A Markdown source cannot be found, read or decoded."""

    told = "a document cannot be read"


class StoreError(AskmdError):
    """Milvus cannot be reached, is locked, or holds something built with other settings."""

    told = "the document store cannot be used now"


class EmbeddingError(AskmdError):
    """An embedding model cannot be loaded or does not answer."""

    told = "the embedding model does not answer"


class EngineError(AskmdError):
    """A cluster that reads, splits and embeds for an ingest fails."""

    told = "the documents cannot be ingested now"


class RerankError(AskmdError):
    """A reranker does not answer, or not with a score for each passage."""

    told = "the reranker does not answer"


class ModelError(AskmdError):
    """A chat model cannot be reached, refuses the request, or breaks off its reply."""

    told = "the chat model does not answer"


def public_text(error: AskmdError) -> str:
    """Give what anybody may be told of a failure; of a question, what is wrong with it."""
    return str(error) if isinstance(error, QuestionError) else error.told
