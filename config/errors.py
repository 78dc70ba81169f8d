"""What can go wrong, as one small tree.

    AskmdError            every failure that askmd foresees; its text is one line for the user
    ├── ConfigError       a setting, name, prompt file or key is wrong or missing: the user can mend it
    ├── SourceError       a Markdown source cannot be found, read or decoded
    ├── StoreError        Milvus: unreachable, locked, damaged, or built with other settings
    ├── EmbeddingError    an embedding model cannot be loaded or does not answer
    ├── RerankError       a reranker does not answer, or not with a score for each passage
    └── ModelError        a chat model cannot be reached, refuses, or breaks off

A message names the thing, the bad value and what to do. Only the edge (command line, server) turns an error into an
exit status or a response; everything below raises.
"""


class AskmdError(Exception):
    """Base of every foreseen failure.

    `exit_status` is what the command line exits with: 1 for a failure, 2 for wrong use.
    """

    exit_status = 1


class ConfigError(AskmdError):
    """A setting, a name, a prompt file or a key is wrong or missing."""

    exit_status = 2


class SourceError(AskmdError):
    """A Markdown source cannot be found, read or decoded."""


class StoreError(AskmdError):
    """Milvus cannot be reached, is locked, or holds something built with other settings."""


class EmbeddingError(AskmdError):
    """An embedding model cannot be loaded or does not answer."""


class RerankError(AskmdError):
    """A reranker does not answer, or not with a score for each passage."""


class ModelError(AskmdError):
    """A chat model cannot be reached, refuses the request, or breaks off its reply."""
