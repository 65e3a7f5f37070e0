"""Processes for `test_activations.py`: recordings that are killed, and recordings by several processes.

Run with a folder. torch is imported once, before forking, and never more than one thread runs. Prints one JSON line.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from beyond_scaling.radius import activations
from tests.models import tiny

SITES = ("layer-1", "before", "after")
TOKENS = np.random.default_rng(0).integers(0, 299, (301, 12)).astype(np.int32)
TOKENS[11, 5] = 299  # nowhere else, and in the share of the second of two processes
ROWS = 8  # of a shard
KILLS = 6


def record(work: Path | None) -> activations.Activations:
    activations.SHARD_BYTES = ROWS * 4 * 16 * len(SITES)
    return activations.record_activations(MODEL, TOKENS, sites=SITES, batch_size=4, work=work)


def fork(do: Callable[[], object]) -> int:
    """Process id of a child that does it and ends, with 1 on an error."""
    child = os.fork()
    if child == 0:
        try:
            do()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def same(found: activations.Activations, expected: activations.Activations) -> bool:
    return all(np.array_equal(found.sites[site], expected.sites[site]) for site in SITES)


def killed(work: Path) -> list[int]:
    """Kill recordings at random moments; how many receipts lay there each time."""
    draw, seen = random.Random(0), []
    for _ in range(KILLS):
        before = len(list(work.glob("rows-*.json")))
        child = fork(lambda: record(work))
        wanted = before + draw.randint(1, 3)
        while len(list(work.glob("rows-*.json"))) < wanted:
            time.sleep(0.0005)
        time.sleep(draw.uniform(0, 0.002))
        os.kill(child, signal.SIGKILL)
        if (code := ended(child)) != -signal.SIGKILL:
            raise RuntimeError(f"the recording ended with {code} before it could be killed")
        seen.append(len(list(work.glob("rows-*.json"))))
    return seen


def rank(number: int, count: int, folder: Path, work: Path) -> None:
    """One of `count` processes: record, and leave behind what it got."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting-{work.name}", rank=number, world_size=count
    )
    try:
        found = record(work)
    except ValueError as error:
        (folder / f"{work.name}-{number}.txt").write_text(str(error))
        return
    np.savez(folder / f"{work.name}-{number}.npz", speed=found.tokens_per_second, **found.sites)
    torch.distributed.destroy_process_group()


def ranks(count: int, folder: Path, work: Path) -> list[int]:
    return [ended(child) for child in [fork(lambda r=r: rank(r, count, folder, work)) for r in range(count)]]


def spoiled(folder: Path) -> list[str]:
    """What two processes say when the second meets a token that makes its activations infinite."""
    with torch.no_grad():
        MODEL.transformer.wte.weight[299] = torch.inf
    ranks(2, folder, folder / "spoiled")
    return [(folder / f"spoiled-{number}.txt").read_text() for number in range(2)]


torch.set_num_threads(1)
torch.set_num_interop_threads(1)
MODEL = tiny.model()

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    whole = record(None)
    seen = killed(folder / "killed")
    codes = ranks(2, folder, folder / "two")
    kept = [np.load(folder / f"two-{number}.npz") for number in range(2)]
    # three processes go on from what one, killed, has left
    child = fork(lambda: record(folder / "three"))
    while not list((folder / "three").glob("rows-*.json")):
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    ended(child)
    first = len(list((folder / "three").glob("rows-*.json")))
    codes += ranks(3, folder, folder / "three")
    print(json.dumps({
        "seen": seen,
        "resumed": same(record(folder / "killed"), whole),
        "codes": codes,
        "two": [all(np.array_equal(found[site], whole.sites[site]) for site in SITES) for found in kept],
        "speeds": [float(found["speed"]) for found in kept],
        "first": first,
        "three": same(record(folder / "three"), whole),
        "spoiled": spoiled(folder),
    }))  # fmt: skip
