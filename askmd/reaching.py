"""`askmd models --check`: whether each chat model could be asked now. Asks for lists of models, never for an answer."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx2
from pydantic import SecretStr

from askmd.inspecting import print_table
from config.errors import ConfigError
from config.models import ChatModelSpec, find_model
from config.settings import Settings

LIMIT = 6.0
"""Seconds for each server, from the connection to the end of its list."""
CONNECT_LIMIT = 3.0
LONGEST_LIST = 20_000_000
"""Bytes; OpenRouter's list has less than one million."""
WHATEVER_IS_SERVED = "default"
"""The id in the shipped entry `local`: servers with one model mostly take any."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a look at one entry found. `seconds` is None where nobody was asked."""

    usable: bool
    text: str
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values, the text as `check`."""
        return {"usable": self.usable, "check": self.text, "seconds": self.seconds}


def check_models(settings: Settings, names: Sequence[str]) -> dict[str, Reach]:
    """Look at entries, all at the same time. Raises ConfigError for a name that the registry does not have."""
    models = settings.chat_models()
    specs = [find_model(models, name) for name in names]
    found = {spec.name: _without_asking(settings, spec) for spec in specs}
    to_ask = [(spec, settings.chat_key(spec)) for spec in specs if found[spec.name] is None]
    asked = asyncio.run(_ask_all(to_ask)) if to_ask else {}
    return {name: reach or asked[name] for name, reach in found.items()}


def print_reaches(settings: Settings, reaches: Mapping[str, Reach]) -> None:
    """Show a line for each entry."""
    print_table(
        [
            {
                "name": name,
                "default": name == settings.llm,
                "usable": reach.usable,
                "seconds": "" if reach.seconds is None else f"{reach.seconds:.2f}",
                "check": reach.text,
            }
            for name, reach in reaches.items()
        ]
    )


def _without_asking(settings: Settings, spec: ChatModelSpec) -> Reach | None:
    """Judge what needs no server: None if one has to be asked."""
    if spec.provider == "offline":
        return Reach(usable=True, text="needs no server")
    try:
        key = settings.chat_key(spec)
        if spec.api_key_env and not key:
            return Reach(usable=False, text=f"no key: {spec.api_key_env} is not set")
        if spec.provider == "langchain":
            from chains.models.llm import chat_model

            chat_model(spec, key)
            return Reach(usable=True, text="opened by its package; its server was not asked")
    except ConfigError as error:
        return Reach(usable=False, text=str(error))
    return None


async def _ask_all(entries: Sequence[tuple[ChatModelSpec, SecretStr | None]]) -> dict[str, Reach]:
    async with httpx2.AsyncClient(timeout=httpx2.Timeout(LIMIT, connect=CONNECT_LIMIT)) as client:
        reaches = await asyncio.gather(*(_ask(client, spec, key) for spec, key in entries))
    return {spec.name: reach for (spec, _), reach in zip(entries, reaches, strict=True)}


async def _ask(client: httpx2.AsyncClient, spec: ChatModelSpec, key: SecretStr | None) -> Reach:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(LIMIT):
            status, body = await _list_models(client, spec, key)
    except (TimeoutError, httpx2.TimeoutException):
        usable, text = False, f"not reachable: {spec.host} did not answer in time"
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        usable, text = False, f"not reachable: {spec.host}: {_reason(error, key)}"
    else:
        usable, text = _judge(spec, status, body)
    return Reach(usable, text, time.perf_counter() - began)


async def _list_models(client: httpx2.AsyncClient, spec: ChatModelSpec, key: SecretStr | None) -> tuple[int, bytes]:
    headers = dict(spec.extra_headers)
    if key:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    async with client.stream("GET", f"{spec.base_url.rstrip('/')}/models", headers=headers) as response:
        body = b""
        async for part in response.aiter_bytes():
            body += part
            if len(body) > LONGEST_LIST:
                break
        return response.status_code, body


def _judge(spec: ChatModelSpec, status: int, body: bytes) -> tuple[bool, str]:
    if status in {401, 403}:
        return False, f"reachable, but {spec.host} does not accept {spec.api_key_env or 'a question without a key'}"
    if status in {404, 405, 501}:
        return True, f"reachable; {spec.host} has no list of models"
    if status != HTTPStatus.OK:
        return False, f"reachable, but {spec.host} answered {status}"
    return _judge_list(spec, _ids(body))


def _judge_list(spec: ChatModelSpec, ids: Sequence[str] | None) -> tuple[bool, str]:
    if ids is None:
        return False, f"reachable, but what {spec.host} sent is no list of models; check the entry's `base_url`"
    if spec.model in ids:
        return True, "reachable, has the model"
    some = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    if spec.model == WHATEVER_IS_SERVED and ids:
        return True, f"reachable, serves {some}"
    return False, f"reachable, but does not list {spec.model!r}; it lists {some or 'nothing'}"


def _ids(body: bytes) -> list[str] | None:
    """Read the ids of a list of models as OpenAI's API gives it; None if it is none."""
    try:
        listed = json.loads(body)["data"]
        return ["".join(filter(str.isprintable, str(each["id"]))) for each in listed]
    except (ValueError, LookupError, TypeError):
        return None


def _reason(error: Exception, key: SecretStr | None) -> str:
    if isinstance(error, httpx2.LocalProtocolError | UnicodeError):  # their texts may hold the header
        return "its key or a header of its entry holds characters that cannot be sent"
    said = " ".join(str(error).split()) or type(error).__name__
    return said.replace(key.get_secret_value(), "(key)") if key else said
