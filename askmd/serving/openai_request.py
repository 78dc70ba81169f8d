"""What a client of the OpenAI-compatible endpoint may send, and which question it asks. Pure."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chains.schema import Question
from config.settings import MAX_K, Mode

WITH_SOURCES = "+sources"
"""A model id that ends so lets the answer end with a list of its sources."""

SOURCES_TITLE = "\n\nSources:\n"

_MEANS_NOTHING: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "audio": (),
    "logprobs": (False,),
    "web_search_options": (),
}
"""Parameters that change what the reply is, and their values that do not: with any other, it is not what was asked for.

All further parameters (temperature, max_tokens, stop, seed and so on) are for the entry of the registry to say.
"""


class Refused(Exception):  # noqa: N818 - a request, not an error of ours
    """A request that cannot be answered as it stands: the fields of OpenAI's error object."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.status = status


class Part(BaseModel):
    """A part of a message. `type` is "text"; others are known in order to refuse them by name."""

    type: str
    text: str = ""


class Message(BaseModel):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    def text(self, param: str) -> str:
        """Give the text of all parts. Raises Refused for a part that is none."""
        if not isinstance(self.content, list):
            return self.content or ""
        for part in self.content:
            if part.type != "text":
                raise Refused(f"{part.type[:40]!r} parts cannot be read here; send text", param)
        return "\n".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    """What a stream shall have besides."""

    include_usage: bool = False


class Own(BaseModel):
    """askmd's own choices for a question, in the field `askmd`; what is missing is as the server has it."""

    model_config = ConfigDict(extra="forbid")

    prompt: str | None = None
    k: int | None = Field(default=None, ge=1, le=MAX_K)
    mode: Mode | None = None
    filter: dict[str, str | list[str]] = Field(default_factory=dict)


class ChatRequest(BaseModel):
    """The body of a request; further parameters are kept in order to refuse those that change what a reply is."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    askmd: Own = Field(default_factory=Own)

    def refuse_what_is_missing(self) -> None:
        """Raise Refused for a parameter that asks for another kind of reply."""
        for name, harmless in _MEANS_NOTHING.items():
            value = (self.model_extra or {}).get(name)
            if value is not None and value not in harmless:
                raise Refused(f"{name}: not supported; askmd answers once, in text, from its documents", name)

    def question(self) -> tuple[Question, list[str]]:
        """Give the question, which is the last message, with those before it as its history; and notices.

        Instructions (`system`) are left out, with a notice: the prompt is the server's. Raises Refused.
        """
        texts = [message.text(f"messages.{n}.content") for n, message in enumerate(self.messages)]
        if self.messages[-1].role != "user":
            raise Refused("the last message is not the user's", "messages")
        history, notices = [], []
        for message, text in zip(self.messages[:-1], texts[:-1], strict=True):
            match message.role:
                case "user":
                    history.append(("user", text))
                case "assistant" if text:
                    history.append(("assistant", text.partition(SOURCES_TITLE)[0]))
                case "system" | "developer":
                    notices = ["system messages are not obeyed: the prompt is the server's"]
                case "tool" | "function":
                    raise Refused(f"{message.role!r} messages are not supported: askmd calls no tools", "messages")
        return Question(question=texts[-1], chat_history=history, filter=self.askmd.filter), notices

    def choices(self, llm: str) -> dict[str, Any]:
        """Give what the chain may be told."""
        chosen = {"llm": llm, "prompt": self.askmd.prompt, "k": self.askmd.k, "mode": self.askmd.mode}
        return {name: value for name, value in chosen.items() if value is not None}
