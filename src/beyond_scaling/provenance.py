"""Where a number comes from: code, versions, machine, inputs, command; never a path of the machine."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "beyond-scaling",
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "safetensors",
    "numpy",
    "scipy",
    "pyarrow",
)


def checkout() -> Path | None:
    """The source checkout the package runs from, or None when it is installed away from one."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() and (root / "src" / "beyond_scaling").is_dir() else None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def commit() -> dict[str, Any]:
    """`{"hash": 40 hex digits or None, "dirty": bool or None}`; dirty: `src/` differs from the commit."""
    root = checkout()
    sha = _git(root, "rev-parse", "HEAD") if root else None
    if root is None or sha is None:
        return {"hash": None, "dirty": None}
    changes = _git(root, "status", "--porcelain", "--", "src")
    return {"hash": sha, "dirty": None if changes is None else bool(changes)}


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Version of Python and of every package of `packages` that is installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("model name")]
    return (names[0] if names else "") or platform.processor() or platform.machine() or "unknown processor"


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return None


def hardware(device: str = "cpu") -> dict[str, Any]:
    """The machine in words: `cpu`, `cores`, torch's `threads`, `memory_gib`, and the `gpu` if used."""
    torch = sys.modules.get("torch")  # asked only if the measurement has loaded it
    on_gpu = torch is not None and device.startswith("cuda") and torch.cuda.is_available()
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads() if torch is not None else None,
        "memory_gib": _memory_gib(),
        "gpu": torch.cuda.get_device_name(device) if torch is not None and on_gpu else None,
    }


def file_input(path: Path, name: str | None = None) -> dict[str, Any]:
    """`{"name", "sha256", "bytes"}` of a file; the name is its base name unless given."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    return {"name": name or path.name, "sha256": digest.hexdigest(), "bytes": size}


_NAMED = re.compile(r"--[\w-]+|[a-z_]+\.[a-z_]+")  # --option=value, or section.key=value


def _public(argument: str) -> str:
    option, equals, value = argument.partition("=")
    if not equals or not _NAMED.fullmatch(option):
        option, equals, value = "", "", argument
    path = Path(value)
    if path.is_absolute() or value.startswith("~") or ".." in path.parts:
        value = path.name
    return option + equals + value


def public_command(program: str, arguments: Sequence[str]) -> str:
    """The command line with every path outside the working folder cut down to its last name."""
    return shlex.join([program, *(_public(argument) for argument in arguments)])
