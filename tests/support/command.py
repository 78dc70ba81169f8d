"""The command line, called in this process: a process of its own takes seconds until its libraries are loaded.

Tests start `ASKMD` where a process is the point: signals, terminals, pipes, and variables that libraries read when they
are imported.
"""

import gc
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from askmd.main import run

ASKMD = str(Path(sys.executable).with_name("askmd"))
"""The installed command."""


@dataclass(frozen=True)
class Done:
    """What a command left: its exit status and what it wrote."""

    status: int
    stdout: str
    stderr: str


def call(words: Sequence[str], folder: Path | None = None, env: Mapping[str, str] | None = None) -> Done:
    """Call it in a folder, with further variables; none of them stays."""
    out, err = StringIO(), StringIO()
    with (
        patch.object(sys, "argv", ["askmd", *words]),
        patch.dict(os.environ, env or {}),
        chdir(folder or Path.cwd()),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        run()
    gc.unfreeze()  # the command freezes what is loaded, because its process ends there
    return Done(int(end.value.code or 0), out.getvalue(), err.getvalue())


def askmd(
    *words: str, status: int = 0, folder: Path | None = None, env: Mapping[str, str] | None = None, **variables: str
) -> Done:
    """Call it; its exit status is part of what it says."""
    done = call(words, folder, {**(env or {}), **variables})
    assert done.status == status, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    if status:
        *told, error = done.stderr.strip().splitlines()
        assert error.startswith("askmd: "), done.stderr
        assert all(line.startswith("tokens: ") for line in told), done.stderr
    return done


def askmd_json(*words: str, **options: Any) -> Any:
    return json.loads(askmd(*words, "--json", **options).stdout)
