"""Processes for `test_cli_train.py`: runs of the command that are killed, interrupted, or short of disk.

Run with a folder that holds `run.toml`. torch is imported once, before forking. Prints one JSON line.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from beyond_scaling import cli
from beyond_scaling.training import build, loop, run  # noqa: F401, loaded before forking

KILLS = 3


def start(name: str, *options: str, limit: int | None = None) -> int:
    """Process id of a child that runs the command; its errors go to NAME.log."""
    child = os.fork()
    if child:
        return child
    loop.LOOK_S = 0.0  # every step may be the last
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    if limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    errors = io.StringIO()
    code = 1
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            given = ["train", "run.toml", "--name", name, "--work", f"work-{name}", "--out", "results"]
            code = cli.main([*given, "--checkpoint-minutes", "0", "--quiet", "--threads", "1", *options])
    finally:
        Path(f"{name}.log").write_text(errors.getvalue())
        os._exit(code)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def await_step_after(before: int, child: int, name: str) -> None:
    """Until the run has a checkpoint of a later step."""
    while step_of(Path(f"work-{name}")) == before:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            raise SystemExit(f"{name} ended before its time: {Path(f'{name}.log').read_text()}")
        time.sleep(0.005)


def step_of(work: Path) -> int:
    return max((int(path.name[5:14]) for path in work.glob("step-*")), default=0)


def killed(name: str) -> list[int]:
    """Kill runs at random moments after their first checkpoint; the newest step there each time."""
    draw, seen, work = random.Random(0), [], Path(f"work-{name}")
    while len(seen) < KILLS:
        before, child = step_of(work), start(name)
        await_step_after(before, child, name)
        time.sleep(draw.random() * 0.05)
        os.kill(child, signal.SIGKILL)
        assert ended(child) == -signal.SIGKILL
        seen.append(step_of(work))
    return seen


def interrupted(name: str, blow: signal.Signals) -> dict[str, Any]:
    work, child = Path(f"work-{name}"), start(name)
    await_step_after(0, child, name)
    os.kill(child, blow)
    return {"code": ended(child), "errors": Path(f"{name}.log").read_text(), "step": step_of(work)}


def main() -> None:
    os.chdir(sys.argv[1])
    torch.set_num_threads(1)
    found: dict[str, Any] = {"whole": ended(start("whole"))}
    found["kills"] = killed("killed")
    (Path("work-killed") / "new-step-000000099-0123456789abcdef.safetensors").write_bytes(b"half")
    found["killed"] = ended(start("killed"))
    found["left"] = Path("work-killed").exists()
    for blow in (signal.SIGINT, signal.SIGTERM):
        found[blow.name] = interrupted(blow.name.lower(), blow)
    found["resumed"] = ended(start("sigint"))
    found["full"] = ended(start("full", limit=4096))
    found["room"] = ended(start("full"))
    print(json.dumps(found))


main()
