"""What a run leaves on disk: `run.json` says what was run, `results.jsonl` has a line for every call that ended."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from config.errors import ConfigError
from experiments.queries import Query, describe
from experiments.records import Arm, Preference, Record
from experiments.results import Results

RESULTS = "results.jsonl"
PREFERENCES = "preferences.jsonl"
RUN = "run.json"


class RunFolder:
    """A run's folder, in which one process writes at a time; safe to share between its threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, and keep other processes out. Raises ConfigError if one is at work here."""
        from filelock import FileLock, Timeout

        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot write {self.path}: {error.strerror}") from None
        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise ConfigError(
                f"another process runs the experiment in {self.path}; wait for it, or use --out"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def begin(self, run: Mapping[str, Any], decisive: Mapping[str, Any]) -> None:
        """Note what is run, once this process holds the folder.

        Raises ConfigError if it has the results of something else.
        """
        for name in (RESULTS, PREFERENCES):
            _cut_off_half_a_line(self.path / name)
        known = self.run() if (self.path / RUN).exists() else None
        if known is not None and self.records():
            before = known["decisive"]
            changed = [name for name in decisive if before.get(name, decisive[name]) != decisive[name]]
            if changed:
                raise ConfigError(
                    f"{self.path} holds results of another {' and another '.join(changed)}; "
                    "give the experiment another name, or another folder with --out"
                )
            run = {**run, "begun": known["begun"]}
        text = json.dumps({**run, "decisive": decisive}, ensure_ascii=False, indent=1, default=str)
        (self.path / RUN).write_text(text + "\n", "utf-8")

    def run(self) -> dict[str, Any]:
        """Give what the run noted. Raises ConfigError for a folder that holds no run."""
        try:
            noted = json.loads((self.path / RUN).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self.path} holds no run of an experiment: {error}") from None
        if not isinstance(noted, dict) or "decisive" not in noted:
            raise ConfigError(f"{self.path / RUN} was not written by askmd experiment")
        return noted

    def records(self) -> list[Record]:
        """Give the last record of every call, in the order in which they ended. Raises ConfigError, as `_last` does."""
        return _last(self.path / RESULTS, Record)

    def preferences(self) -> list[Preference]:
        """Give what the judge prefers. Raises ConfigError, as `_last` does."""
        return _last(self.path / PREFERENCES, Preference)

    def results(self) -> Results:
        """Give the run as it noted itself, with what was recorded of its arms and questions. Raises ConfigError."""
        run = self.run()
        try:
            arms = [Arm(**arm) for arm in run["arms"]]
            queries = TypeAdapter(list[Query]).validate_python(run["questions"])
            name, seed, repeats = run["name"], int(run["spec"]["seed"]), int(run["spec"]["repeats"])
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{self.path / RUN} was not written by this version of askmd: {error}") from None
        asked = {arm.name for arm in arms}, {query.id for query in queries}
        records = [
            record
            for record in self.records()
            if record.arm in asked[0] and record.question in asked[1] and record.repeat < repeats
        ]
        return Results(name, arms, queries, records, seed, repeats, run, self.preferences())

    def append(self, record: Record | Preference) -> None:
        """Write it through to the disk: what was paid for is not paid for again."""
        path = self.path / (RESULTS if isinstance(record, Record) else PREFERENCES)
        line = record.model_dump_json() + "\n"
        with self._lock, path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


_Line = TypeVar("_Line", Record, Preference)


def _last(path: Path, form: type[_Line]) -> list[_Line]:
    """Give the last line of each key.

    A last line without its end is of a run that was killed, or is being written: it is left out. Raises ConfigError
    for any other line that is not of the form.
    """
    if not path.exists():
        return []
    *lines, _ = path.read_text("utf-8").split("\n")
    found: dict[Any, _Line] = {}
    for number, line in enumerate(lines, 1):
        try:
            record = form.model_validate_json(line)
        except ValidationError as error:
            raise ConfigError(f"{path}:{number}: {describe(error)}") from None
        found.pop(record.key, None)
        found[record.key] = record
    return list(found.values())


def _cut_off_half_a_line(path: Path) -> None:
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
