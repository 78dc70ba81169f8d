"""The thinking of a model, which is not its answer. Pure."""

from langchain_core.messages import AIMessage, BaseMessage

THINKING = "reasoning_content"
"""Key of `additional_kwargs` where models of OpenAI-compatible servers have it; see chains/models/openai_chat.py."""
_BLOCKS = {"reasoning", "thinking", "redacted_thinking"}


def thinking_of(message: BaseMessage) -> str:
    """Give the thinking that a message, or a piece of one, holds; empty if none."""
    if kept := message.additional_kwargs.get(THINKING):
        return str(kept)
    if isinstance(message.content, str):
        return ""
    return "".join(block.get("reasoning", "") for block in message.content_blocks if block["type"] == "reasoning")


def without_thinking(message: BaseMessage) -> BaseMessage:
    """Leave the thinking out of a message of a model: it is never sent back."""
    if not isinstance(message, AIMessage):
        return message
    kwargs = {key: value for key, value in message.additional_kwargs.items() if key != THINKING}
    content = message.content
    if not isinstance(content, str):
        content = [part for part in content if isinstance(part, str) or part.get("type") not in _BLOCKS]
    return message.model_copy(update={"content": content, "additional_kwargs": kwargs})
