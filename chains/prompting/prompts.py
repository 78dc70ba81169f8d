"""Prompt files: Markdown with a little front matter, one prompt a file, checked when it is loaded.

    ---
    description: one line
    retrieval: true            # false: the prompt takes no passages
    refusal: one sentence      # for where the documents do not hold the answer; else one in the question's language
    ---
    # system                   (optional)
    # user
    # strict, # labelled, # off   (optional: what {{policy}} stands for in each mode)

Variables are written {{question}}, {{context}}, {{policy}}, {{refusal}}, {{notice}}, {{language}}.
Single braces are text like any other.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import yaml

from chains.text.refusal import Language, languages
from config.errors import ConfigError, QuestionError
from config.settings import Mode

if TYPE_CHECKING:
    from langchain_core.prompts import ChatPromptTemplate

MODES: tuple[Mode, ...] = get_args(Mode)
_FRONT_MATTER_KEYS = {"description": str, "retrieval": bool, "refusal": str}
_PARTS = ("system", "user", *MODES)
_VARIABLES = ("question", "context", "policy", "refusal", "notice", "language")
_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_PART_HEADING = re.compile(rf"^# ({'|'.join(_PARTS)})[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A checked prompt file."""

    name: str
    user: str
    system: str = ""
    policies: dict[str, str] = field(default_factory=dict)
    description: str = ""
    refusal: str = ""
    """Empty: a sentence in the question's language."""
    retrieval: bool = True


def load_prompts(folder: Path | None = None) -> dict[str, Prompt]:
    """Load the shipped prompts and those of a folder of the user's, which win by name. Raises ConfigError."""
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"prompts_dir {str(folder)!r} is not a folder")
    shipped = files("config").joinpath("prompts")
    return {
        source.name.removesuffix(".md"): parse_prompt(source.name.removesuffix(".md"), _read(source), str(source))
        for place in [shipped, *([folder] if folder else [])]
        for source in sorted(place.iterdir(), key=lambda source: source.name)
        if source.name.endswith(".md")
    }


def find_prompt(prompts: Mapping[str, Prompt], name: str) -> Prompt:
    """Look a prompt up by its name. Raises ConfigError that lists the known names."""
    if name not in prompts:
        raise QuestionError(f"no prompt is called {name!r}; known: {', '.join(prompts)}")
    return prompts[name]


def parse_prompt(name: str, text: str, path: str) -> Prompt:
    """Read the text of a prompt file. Raises ConfigError that names the file and what is wrong in it."""
    front_matter, body = _front_matter(text, path)
    before, *rest = _PART_HEADING.split(body)
    parts = {heading: part.strip() for heading, part in zip(rest[::2], rest[1::2], strict=True)}
    if before.strip() or "user" not in parts:
        raise ConfigError(
            f"prompt file {path}: it must begin with a line `# system` or `# user`, and have a `# user` part"
        )
    prompt = Prompt(
        name=name,
        user=parts["user"],
        system=parts.get("system", ""),
        policies={mode: parts[mode] for mode in MODES if mode in parts},
        **front_matter,
    )
    _check_variables(prompt, path)
    return prompt


def to_template(prompt: Prompt, mode: Mode, asked_in: Language | None = None) -> "ChatPromptTemplate":
    """Make the LangChain template: system message, history, user message. Its variables are question and context.

    `asked_in` is the language of the question, None where it is not known.
    """
    from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

    spoken = asked_in or languages()["en"]
    constants = {
        "policy": prompt.policies.get(mode, ""),
        "refusal": prompt.refusal or spoken.refusal,
        "notice": spoken.notice,
        "language": asked_in.name if asked_in else "the language of the question",
    }
    system = [("system", _to_fstring(prompt.system, constants))] if prompt.system else []
    history = MessagesPlaceholder("chat_history", optional=True)
    return ChatPromptTemplate.from_messages([*system, history, ("human", _to_fstring(prompt.user, constants))])


def _to_fstring(text: str, constants: dict[str, str]) -> str:
    """Put the constants in, then write what is left as the format string that LangChain's templates take."""
    for _ in range(2):  # a policy may name the refusal
        text = _VARIABLE.sub(lambda match: constants.get(match[1], match[0]), text)
    pieces = _VARIABLE.split(text.strip())
    literals = [piece.replace("{", "{{").replace("}", "}}") for piece in pieces[::2]]
    variables = [f"{{{name}}}" for name in pieces[1::2]] + [""]
    return "".join(literal + variable for literal, variable in zip(literals, variables, strict=True))


def _read(source: Traversable) -> str:
    try:
        return source.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"prompt file {source}: {error}") from None


def _front_matter(text: str, path: str) -> tuple[dict[str, Any], str]:
    if not text.startswith("---\n"):
        return {}, text
    head, separator, body = text[4:].partition("\n---\n")
    if not separator:
        raise ConfigError(f"prompt file {path}: its front matter is not closed")
    try:
        values = yaml.safe_load(head) or {}
    except yaml.YAMLError as error:
        raise ConfigError(
            f"prompt file {path}: its front matter is not valid YAML: {' '.join(str(error).split())}"
        ) from None
    if not isinstance(values, dict):
        raise ConfigError(f"prompt file {path}: its front matter is no list of KEY: VALUE")
    for key, value in values.items():
        if not isinstance(value, _FRONT_MATTER_KEYS.get(key, ())):
            known = ", ".join(f"{name} ({kind.__name__})" for name, kind in _FRONT_MATTER_KEYS.items())
            raise ConfigError(f"prompt file {path}: front matter {key!r}: {value!r} is not understood; known: {known}")
    return values, body


def _check_variables(prompt: Prompt, path: str) -> None:
    used = set(_variables_of(prompt))
    if unknown := sorted(used - set(_VARIABLES)):
        known = ", ".join(_VARIABLES)
        raise ConfigError(f"prompt file {path}: unknown variable {unknown[0]!r}; known: {known}")
    for variable, needed in (("question", True), ("context", prompt.retrieval), ("policy", bool(prompt.policies))):
        if needed and variable not in used:
            raise ConfigError(f"prompt file {path}: variable {variable!r} is missing")
    if "context" in used and not prompt.retrieval:
        raise ConfigError(f"prompt file {path}: variable 'context' has no value with `retrieval: false`")
    if "policy" in used and (missing := [mode for mode in MODES if mode not in prompt.policies]):
        raise ConfigError(f"prompt file {path}: variable 'policy' needs a part `# {missing[0]}`")


def _variables_of(prompt: Prompt) -> Iterator[str]:
    for text in (prompt.system, prompt.user, *prompt.policies.values()):
        yield from _VARIABLE.findall(text)
