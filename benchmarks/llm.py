"""What askmd's chat model adds to the bare client of OpenAI, over the same server. All figures are of one run.

    python -m benchmarks.llm [--requests 200] [--tokens 400] [--delay 0] [--json FILE]

A scripted server on the loopback streams an answer of so many tokens, `delay` seconds apart: without a delay as fast
as it can, so that all the time is that of client and server. Compared are, in turn for each request,

- bare: `openai.OpenAI`, a stream read to its end, its text joined;
- langchain: `langchain_openai.ChatOpenAI`, its chunks' text joined;
- askmd: the model of `chains/models/llm.py`, its chunks' text joined.

The time for a token is that from the first token to the end, divided by the tokens behind it; CPU is the client's own.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import openai
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from chains.models.llm import chat_model
from config.models import load_models
from tests.support.chat_replies import Reply
from tests.support.chat_server import ChatServer

WARMING = 10

Ask = Callable[[], Iterator[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds between two tokens")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with serving(Reply("word " * options.tokens, delay=options.delay)) as address:
        ways = {"bare": bare(address), "langchain": langchain(address), "askmd": askmd(address)}
        figures = measure(ways, options.requests, options.tokens)
    print(
        f"{options.requests} answers of {options.tokens} tokens each way, {options.delay * 1e3:g} ms apart; "
        "p50 [p25, p75]; + is over bare\n"
    )
    print("| client | ms to the first token | + ms | µs for a token | + % | CPU µs for a token | + µs |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    base = figures["bare"]
    for way, (first, token, cpu) in figures.items():
        print(
            f"| {way} | {shown(first)} | {first[1] - base[0][1]:.2f} | {shown(token)} "
            f"| {token[1] / base[1][1] - 1:.1%} | {shown(cpu)} | {cpu[1] - base[2][1]:.0f} |"
        )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


def shown(quartiles: list[float]) -> str:
    return f"{quartiles[1]:.2f} [{quartiles[0]:.2f}, {quartiles[2]:.2f}]"


@contextmanager
def serving(reply: Reply) -> Iterator[str]:
    """Run the server in a process of its own, so that it does not share an interpreter with what is measured."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, reply))
    process.start()
    yield here.recv()
    here.send("end")
    process.join()


def serve(pipe: Connection, reply: Reply) -> None:
    with ChatServer(default=reply) as server:
        pipe.send(server.base_url)
        pipe.recv()


def bare(address: str) -> Ask:
    client = openai.OpenAI(base_url=address, api_key="none", max_retries=0)

    def ask() -> Iterator[str]:
        stream = client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        for chunk in stream:
            if chunk.choices and (text := chunk.choices[0].delta.content):
                yield text

    return ask


def langchain(address: str) -> Ask:
    model = ChatOpenAI(
        model="m",
        base_url=address,
        api_key=SecretStr("none"),
        max_retries=0,
        stream_usage=True,
        use_responses_api=False,
    )
    return lambda: (str(chunk.text) for chunk in model.stream([HumanMessage("hi")]) if chunk.text)


def askmd(address: str) -> Ask:
    model = chat_model(load_models({"local": {"base_url": address, "max_retries": 0}})["local"])
    return lambda: (str(chunk.text) for chunk in model.stream([HumanMessage("hi")]) if chunk.text)


def measure(ways: dict[str, Ask], requests: int, tokens: int) -> dict[str, list[list[float]]]:
    """Give the quartiles of ms to the first token, µs for each behind it, and CPU µs for each, by way."""
    times: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
    for number in range(WARMING + requests):
        for way, ask in ways.items():
            taken = time_one(ask, tokens)
            if number >= WARMING:
                times[way].append(taken)
    return {way: np.percentile(np.array(found), [25, 50, 75], axis=0).T.tolist() for way, found in times.items()}


def time_one(ask: Ask, tokens: int) -> tuple[float, float, float]:
    began = time.perf_counter()
    pieces = ask()
    text = [next(pieces)]
    first, first_cpu = time.perf_counter(), time.process_time()
    text.extend(pieces)
    end, end_cpu = time.perf_counter(), time.process_time()
    assert "".join(text).split() == ["word"] * tokens
    behind = tokens - 1
    return (first - began) * 1e3, (end - first) / behind * 1e6, (end_cpu - first_cpu) / behind * 1e6


if __name__ == "__main__":
    main()
