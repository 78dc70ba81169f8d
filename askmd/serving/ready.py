"""Whether questions can be answered now."""

from askmd.serving.engine import Engine
from chains.models.entries import Entries
from config.errors import AskmdError, public_text


def what_is_missing(engine: Engine) -> dict[str, str]:
    """Name what cannot be used, in words for anybody: the store with its embedding model, and every chat model.

    A chat model is not asked: that costs, and says nothing about the next minute.
    """
    missing = {}
    try:
        engine.resources.open()
        if engine.resources.store is not None:
            engine.resources.store.count()
    except AskmdError as error:
        missing["store"] = public_text(error)
    try:
        Entries.of(engine.settings.llm, engine.settings.fallbacks).at_one_that_opens(engine.resources.chat_model)
    except AskmdError:
        missing["model"] = "no chat model of this server can be used; is its key set?"
    return missing
