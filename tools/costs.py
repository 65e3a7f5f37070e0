"""Measure what the commands of the book cost: minutes and memory, each as a record cost-ID in book/results.

    python tools/costs.py                       # all that are to be measured and have not been
    python tools/costs.py radius train          # these, again
    python tools/costs.py --data DIR law books  # with data of your own: what lies in DIR is linked into the folder

Each command of book/commands.yml runs as written, in a fresh folder with caches of its own; where it is a matter of
hours, its short run. While it runs, the memory of all its processes is added up several times a second. Run it from a
clean clone on a machine that has nothing else to do: the record tells the commit, the machine, and how busy it was.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
from materials import lay

from beyond_scaling import results, run_costs
from beyond_scaling.commands import FILE, Command, load
from beyond_scaling.errors import first_line

ROOT = Path(__file__).resolve().parents[1]
INTERVAL = 0.2  # seconds between looks
ROWS = 400  # of a record, at most


class Failed(ValueError):
    """A command that did not end well; the message has the last of what it said."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("commands", nargs="*", metavar="ID", help="to measure (default: all that have no record)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder whose entries are linked into the fresh one")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the records (default: book/results)")
    options = parser.parse_args()
    try:
        known = load(ROOT / "book" / FILE)
        chosen = _chosen(known, options.commands, options.out)
        if options.data is not None and not options.data.is_dir():
            raise ValueError(f"--data {options.data}: no such folder")
    except (ValueError, OSError) as error:
        print(f"costs: {first_line(error)}", file=sys.stderr)
        return 2
    failed = 0
    with tempfile.TemporaryDirectory(prefix="costs-") as scrap:
        folder = Path(scrap) / "folder"
        folder.mkdir()
        for entry in sorted(options.data.iterdir()) if options.data else ():
            (folder / entry.name).symlink_to(entry.resolve())
        lay(folder)
        done: set[str] = set()
        for command in chosen:
            try:
                for other in command.before(known):
                    if other.id not in done:
                        _measured(other.run, folder, other.checkout)
                        done.add(other.id)
                line, short = run_costs.measured_line(command)
                load_before = os.getloadavg()[0]
                samples, wall, cpu = _measured(line, folder, command.checkout)
            except Failed as error:
                print(f"costs: {command.id}: {error}", file=sys.stderr)
                failed += 1
                continue
            if not short:
                done.add(command.id)
            how = f"python tools/costs.py {command.id}"
            record = run_costs.make(command, samples=samples, wall_s=wall, cpu_s=cpu, load=load_before, how=how)
            results.save(record, options.out, overwrite=True)
            summary = record.summary
            print(
                f"{command.id}: {summary['wall_s']:.1f} s by the clock, {summary['cpu_s']:.1f} s of processors,"
                f" {run_costs.in_bytes(summary['peak_bytes'])}; load before {summary['load']:.2f}",
                flush=True,
            )
    return 1 if failed else 0


def _chosen(known: dict[str, Command], names: Sequence[str], root: Path | None) -> list[Command]:
    """Those named, else those that are to be measured and have no record."""
    wanted = {name: command for name, command in known.items() if run_costs.is_measured(command)}
    if unknown := [name for name in names if name not in wanted]:
        raise ValueError(f"no command {unknown[0]!r} to measure; there are {', '.join(wanted)}")
    if names:
        return [command for name, command in wanted.items() if name in names]
    return [each for each in wanted.values() if not results.exists(run_costs.PREFIX + each.id, root)]


def _measured(line: str, folder: Path, checkout: bool) -> tuple[list[tuple[float, int, int]], float, float]:
    """Samples (seconds, bytes, processes), seconds by the clock, and seconds of all processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    place = _clone(folder) if checkout else folder
    if not checkout and not (folder / ".venv").exists():
        (folder / ".venv").symlink_to(Path(sys.prefix))
    start = time.perf_counter()
    samples = []
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            ["bash", "-c", line], cwd=place, env=_environment(folder, checkout), stdout=said, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        while process.poll() is None:
            samples.append((time.perf_counter() - start, *_memory(process.pid)))
            time.sleep(INTERVAL / 10 if samples[-1][0] < 1 else INTERVAL)
        wall = time.perf_counter() - start
        if process.returncode:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().splitlines()[-3:]
            raise Failed(f"exit code {process.returncode} of {shlex.quote(line)}: {' / '.join(last)}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _fewer(samples), wall, cpu


def _memory(pid: int) -> tuple[int, int]:
    """Bytes of a process and all below it, and how many they are. Shared pages are counted once, where Linux tells."""
    total = count = 0
    try:
        top = psutil.Process(pid)
        family = [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0, 0
    for process in family:
        try:
            told = process.memory_full_info()
            total += getattr(told, "pss", told.rss)
            count += 1
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total, count


def _fewer(samples: list[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
    """At most ROWS of them: of each block, the one with the most memory."""
    edges = np.unique(np.linspace(0, len(samples), min(ROWS, len(samples)) + 1).round().astype(int)).tolist()
    blocks = [samples[low:high] for low, high in itertools.pairwise(edges)]
    return [max(block, key=lambda sample: sample[1]) for block in blocks]


def _clone(folder: Path) -> Path:
    """A clone of the checkout, made once, outside what is measured."""
    place = folder.parent / "clone"
    if not place.exists():
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)
    return place


def _environment(folder: Path, checkout: bool) -> dict[str, str]:
    """A reader's: the environment's commands on the path, caches of its own, and this checkout's package."""
    kept = ("LANG", "LC_ALL", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "SSL_CERT_FILE", "TMPDIR", "CHROMIUM")
    values = {name: os.environ[name] for name in kept if name in os.environ}
    values |= {"HOME": str(folder.parent), "HF_HUB_OFFLINE": "1", "BOOK": str(ROOT), "PATH": os.environ["PATH"]}
    if not checkout:
        values["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{values['PATH']}"
        values["PYTHONPATH"] = str(ROOT / "src")
    return values


if __name__ == "__main__":
    raise SystemExit(main())
