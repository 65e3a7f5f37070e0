"""A run of a second: two layers, twelve lines, dropout and all."""

from __future__ import annotations

from typing import Any

from beyond_scaling.training import config as configuration
from beyond_scaling.training.config import Config

SECTIONS: dict[str, Any] = {
    "model": {"kind": "vanilla", "layers": 2, "width": 16, "heads": 2, "dropout": 0.1},
    "data": {"kind": "question-formation", "lines": 12, "held_out": 6},
    "optimiser": {"learning_rate": 3e-3},
    "schedule": {"kind": "linear", "warmup": 2},
    "run": {"steps": 12, "batch": 5, "evaluate_every": 4},
}


def config(**values: Any) -> Config:
    """The tiny run, with values set over it: `run__steps=3` is run.steps."""
    named = {name.replace("__", "."): value for name, value in values.items()}
    return configuration.from_sections(configuration.assigned(SECTIONS, named))


def toml(**values: Any) -> str:
    """The same as the text of a file."""
    sections = config(**values).sections()
    return "\n".join(
        f"[{name}]\n" + "\n".join(f"{key} = {_text(value)}" for key, value in section.items())
        for name, section in sections.items()
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
