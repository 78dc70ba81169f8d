"""The tools that programs with a model of their own may call: search and ask, as an MCP server."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import wraps
from importlib.metadata import version
from typing import Annotated, Any, TypeVar, cast

from anyio import to_thread
from mcp import types
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.fastmcp.tools import Tool
from mcp.server.lowlevel import Server
from mcp.types import ToolAnnotations
from pydantic import Field
from typing_extensions import TypedDict

from askmd.serving.asking import ask as stream_answer
from askmd.serving.engine import Engine
from askmd.serving.finding import find
from chains.schema import Citation, Question, Usage
from config.settings import MAX_K, Mode

INSTRUCTIONS = (
    "Answers from a collection of Markdown documents. `search` finds passages of them, for you to read; "
    "`ask` lets askmd's own model answer from them, with citations that were checked."
)


class Passage(TypedDict):
    """A passage of a document: the lines from `start_line` to `end_line`, and the headings above them."""

    root: str
    doc: str
    headings: list[str]
    start_line: int
    end_line: int
    text: str
    score: float


class Found(TypedDict):
    """What a search found, the best first."""

    passages: list[Passage]
    notices: list[str]


class Told(TypedDict):
    """An answer. Its [1], [2] are the citations; `refused` says that the documents do not hold an answer."""

    answer: str
    citations: list[Citation]
    refused: bool
    own_knowledge: bool
    incomplete: str | None
    notices: list[str]
    llm: str
    usage: Usage


K = Annotated[int | None, Field(ge=1, le=MAX_K, description="passages to retrieve")]
Filter = Annotated[
    dict[str, str | list[str]] | None,
    Field(description="search only there: root, path (a glob), heading, or a key of front matter"),
]
Shape = TypeVar("Shape")
Result = TypeVar("Result")
Function = Callable[..., Awaitable[Result]]


def mcp_server(engine: Engine, words: Callable[[Exception], str]) -> Server[Any, Any]:
    """Make the server of an engine; it keeps nothing between calls. `words` tells the client what failed.

    The SDK's FastMCP is left out: it sets up the logging of the whole process, and reads `.env` for settings.
    """
    reads = ToolAnnotations(readOnlyHint=True, openWorldHint=False)
    tools = {
        tool.name: tool for tool in (Tool.from_function(each, annotations=reads) for each in _functions(engine, words))
    }
    server: Server[Any, Any] = Server("askmd", version("askmd"), INSTRUCTIONS)

    @server.list_tools()  # type: ignore[no-untyped-call, untyped-decorator]  # the SDK's are not typed
    async def list_tools() -> list[types.Tool]:
        return [
            types.Tool(
                name=tool.name,
                description=tool.description,
                inputSchema=tool.parameters,
                outputSchema=tool.output_schema,
                annotations=tool.annotations,
            )
            for tool in tools.values()
        ]

    @server.call_tool(validate_input=False)  # type: ignore[untyped-decorator]  # the tool says more of what is wrong
    async def call_tool(name: str, arguments: dict[str, Any]) -> Any:
        if name not in tools:
            raise ToolError(f"no tool is called {name[:80]!r}; known: {', '.join(tools)}")
        known = tools[name].parameters["properties"]
        if unknown := arguments.keys() - known:
            raise ToolError(f"{name} has no {min(unknown)[:80]!r}; known: {', '.join(known)}")
        return await tools[name].run(arguments, convert_result=True)

    return server


def _functions(engine: Engine, words: Callable[[Exception], str]) -> Iterable[Callable[..., Any]]:
    llms, prompts = ", ".join(engine.models), ", ".join(engine.prompts)

    @told_by(words)
    async def search(question: str, k: K = None, filter: Filter = None) -> Found:
        """Find the passages of the documents for a question, without a chat model."""
        hits, notices = await to_thread.run_sync(find, engine, question, k, filter or {})
        return Found(passages=[_only(Passage, hit) for hit in hits], notices=notices)

    @told_by(words)
    async def ask(
        question: str,
        llm: Annotated[str | None, Field(description=f"chat model, one of: {llms}")] = None,
        prompt: Annotated[str | None, Field(description=f"one of: {prompts}")] = None,
        k: K = None,
        mode: Annotated[Mode | None, Field(description="where the documents do not hold the answer")] = None,
    ) -> Told:
        """Answer a question from the documents, with citations."""
        given = {"llm": llm, "prompt": prompt, "k": k, "mode": mode}
        chosen = {name: value for name, value in given.items() if value is not None}
        answer: Any = {}
        async with aclosing(stream_answer(engine, Question(question=question), chosen)) as pieces:
            async for piece in pieces:
                answer = piece if not answer else answer + piece
        return _only(Told, answer)

    return search, ask


def _only(shape: type[Shape], given: Mapping[str, Any]) -> Shape:
    """Keep the keys of a dictionary's type."""
    return cast("Shape", {key: given[key] for key in shape.__annotations__})


def told_by(words: Callable[[Exception], str]) -> Callable[[Function[Result]], Function[Result]]:
    """Let a tool that fails say these words: the SDK would give the client the text of any error."""

    def wrap(tool: Function[Result]) -> Function[Result]:
        @wraps(tool)
        async def call(*given: Any, **named: Any) -> Result:
            try:
                return await tool(*given, **named)
            except Exception as error:  # noqa: BLE001 - the edge
                raise ToolError(words(error)) from None

        return call

    return wrap
