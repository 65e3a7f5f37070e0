"""The training loop: bf16 or float32, one process or many, and on from where it was.

The batch of a step, and the randomness of dropout, follow from the seed and the step; the state between steps is
weights, moments and losses. So a run that was cut off anywhere and goes on from a checkpoint has the losses of one that
was not, on a CPU to the bit. With several processes (torchrun) each takes its rows of the same batch, the objective is
divided by the targets of all, and gradients are summed: the losses are those of one process, but for rounding (and
dropout's draws).
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import processes
from ..durable import WorkError, held
from ..progress import bar
from . import checkpoint
from .batches import IGNORED, EvaluationSet
from .build import Task
from .checkpoint import Checkpoint
from .config import Config
from .history import History, ended, words
from .optimiser import adamw, restore, state_tensors
from .schedule import rate
from .signals import asked_to_stop

EVALUATED_AT_ONCE = 1 << 14  # tokens in a forward pass without gradients
LOOK_S = 1.0  # seconds between two looks at losses, clock and signals; each waits for the device
_MODEL = "model."
AfterStep = Callable[[int, History], bool | None]
_log = logging.getLogger(__name__)


class DivergedError(ValueError):
    """The loss is no number any more."""


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop; the message says at which step, and where it is kept."""


@dataclass(frozen=True)
class Keeping:
    """Where checkpoints go, how often (minutes of wall clock), how many of the last ones stay. Changes no number."""

    work: Path | None = None
    minutes: float = 5.0
    keep: int = 2


@dataclass(frozen=True)
class Trained:
    """A run that has ended: the model in evaluation mode, its history, why it ended, seconds spent on steps alone.

    `damaged` names checkpoints that were found damaged, and passed over, when it went on.
    """

    model: Any
    history: History
    stopped: str
    training_s: float
    precision: str
    processes: int
    damaged: tuple[str, ...] = ()


@dataclass
class _State:
    model: Any
    optimiser: torch.optim.AdamW
    history: History
    training_s: float = 0.0
    damaged: tuple[str, ...] = ()
    pending: list[tuple[int, torch.Tensor, float, torch.Tensor]] = field(default_factory=list)


class Objective(torch.nn.Module):
    """A model whose forward pass is its objective, so that parallel and compiled training see one call."""

    def __init__(self, model: Any, z_loss: float) -> None:
        super().__init__()
        self.model, self.z_loss = model, z_loss

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Sums over the targets (B, T): objective (with its gradient), and nats."""
        return self.model.token_losses(inputs, targets, z_loss=self.z_loss)


def train(
    config: Config,
    task: Task,
    *,
    device: str = "cpu",
    keeping: Keeping | None = None,
    progress: bool = False,
    after_step: AfterStep | None = None,
) -> Trained:
    """Train until the run ends, from its newest checkpoint if there is one.

    Args:
        task: what `build.task(config)` gives.
        device: of this process, as `processes.joined` says.
        keeping: checkpoints; by default none.
        after_step: called with (step, history) whenever losses have been looked at, in the first process; what it
            returns, if true, asks the run to stop, as a signal does.

    Raises:
        DivergedError: a loss that is not finite; checkpoints of before are kept.
        WorkError: the work folder is another run's, all its checkpoints are damaged, or it cannot be written.
        Interrupted: on SIGINT or SIGTERM (or as `after_step` asks), after the step and a checkpoint. A second signal
            ends at once.
    """
    keeping = keeping or Keeping()
    place = processes.available(device)
    precision = config.run.precision
    if precision == "auto":
        precision = "bfloat16" if place.type == "cuda" else "float32"
    identity = _identity(config, task, precision)
    devices = [place.index or 0] if place.type == "cuda" else []
    with contextlib.ExitStack() as stack:
        if keeping.work is not None:
            processes.shared(lambda: _enter(stack, keeping.work, identity))
        stack.enter_context(torch.random.fork_rng(devices=devices))
        state = _begin(config, task, place, keeping)
        stop = stack.enter_context(asked_to_stop())
        reason = _steps(config, task, state, place, precision, keeping, stop, progress, after_step)
    state.model.eval()
    return Trained(
        state.model, state.history, reason, state.training_s, precision, processes.world(), damaged=state.damaged
    )


def evaluate(model: Any, chosen: EvaluationSet, device: torch.device) -> float:
    """Mean loss (nats a target) of a set, in the weights' own precision; every process takes its share."""
    share = slice(processes.rank(), None, processes.world())
    inputs, targets = chosen.inputs[share], chosen.targets[share]
    training = model.training
    model.eval()
    total = torch.zeros((), dtype=torch.float64)
    with torch.inference_mode():
        for rows in _portions(targets):
            width = _used_width(targets[rows])
            batch = (_on(array[rows, :width], device) for array in (inputs, targets))
            total += model.token_losses(*batch)[1].double().cpu()
    model.train(training)
    return float(_summed(total)) / chosen.count


def _enter(stack: contextlib.ExitStack, work: Path | None, identity: dict[str, Any]) -> None:
    assert work is not None
    stack.enter_context(held(work))
    checkpoint.claim(work, identity)


def _identity(config: Config, task: Task, precision: str) -> dict[str, Any]:
    sections = config.sections()
    sections["run"] = {**sections["run"], "precision": precision}
    sections["run"].pop("minutes", None)  # more time changes no step
    sections["data"].pop("path", None)  # known by the hashes of what lies there
    return {**sections, "inputs": [dict(item) for item in task.inputs], "made": dict(task.made)}


def _begin(config: Config, task: Task, device: torch.device, keeping: Keeping) -> _State:
    """Model, optimiser and history: new ones from the seed, or as the newest checkpoint has them."""
    world, least = processes.world(), processes.world() * config.run.accumulate
    if config.run.batch < least:
        raise ValueError(
            f"run.batch is {config.run.batch}, expected at least {least}: one for each of {world} processes times"
            f" {config.run.accumulate} pieces"
        )
    torch.manual_seed(config.run.seed)
    model = task.new_model().to(device).train()
    state = _State(model, adamw(model, config.optimiser), History(config.run.steps, tuple(task.sets)))
    if keeping.work is None:
        return state
    found = processes.together(lambda: checkpoint.newest(keeping.work))  # type: ignore[arg-type]
    state.damaged = found.damaged
    if found.damaged and processes.rank() == 0:
        _log.warning("%s is damaged; going on from the one before", ", ".join(found.damaged))
    kept = found.checkpoint
    if kept is None:
        return state
    weights = {name: kept.tensors[_MODEL + name] for name, _ in model.named_parameters()}
    model.load_state_dict(weights, strict=False)
    restore(model, state.optimiser, kept.tensors, kept.step)
    arrays = {name: tensor.numpy() for name, tensor in kept.tensors.items() if name.startswith("history.")}
    state.history.restore(arrays, kept.step)
    state.training_s = float(kept.document["training_s"])
    return state


def _steps(
    config: Config,
    task: Task,
    state: _State,
    device: torch.device,
    precision: str,
    keeping: Keeping,
    stop: threading.Event,
    progress: bool,
    after_step: AfterStep | None,
) -> str:
    run, history = config.run, state.history
    objective: Any = Objective(state.model, config.optimiser.z_loss)
    if processes.world() > 1:
        ids = [device.index] if device.type == "cuda" else None
        objective = torch.nn.parallel.DistributedDataParallel(objective, device_ids=ids)
    if run.compile:
        objective = torch.compile(objective)
    saved_at = time.monotonic()
    look_every, since = 1, 0
    shown = bar(total=run.steps, initial=history.length, show=progress and processes.rank() == 0, desc="training",
                unit=" steps")  # fmt: skip
    with shown:
        step = history.length
        reason = ended(history, run, state.training_s)
        while reason is None:
            started = time.perf_counter()
            _step(config, task, state, objective, device, precision, step)
            step += 1
            since += 1
            due = step % run.evaluate_every == 0 or step == run.steps
            if not due and since < look_every:
                state.training_s += time.perf_counter() - started
                continue
            _look(state, keeping)
            state.training_s += time.perf_counter() - started
            reason = processes.shared(lambda: ended(history, run, state.training_s))
            if due or reason is not None:
                _evaluate_all(task, state, device)
                reason = reason or processes.shared(lambda: ended(history, run, state.training_s))
            shown.update(history.length - shown.n)
            tokens = int(history.columns["tokens"][history.length - 1])
            shown.set_postfix_str(words(history, tokens / max(state.training_s, 1e-9)), refresh=False)
            if after_step is not None and processes.rank() == 0 and after_step(history.length, history):
                stop.set()
            asked, late = processes.shared(
                lambda: (stop.is_set(), time.monotonic() - saved_at >= 60 * keeping.minutes)  # noqa: B023
            )
            if (asked or late or reason is not None) and keeping.work is not None:
                _save(state, keeping)
                saved_at = time.monotonic()
            if asked and reason is None:
                kept = "" if keeping.work is None else f"; the same command goes on from there (kept in {keeping.work})"
                raise Interrupted(f"after step {step:,} of {run.steps:,}{kept}")
            look_every = processes.shared(lambda: _pace(state))
            since = 0
    return reason


def _step(
    config: Config, task: Task, state: _State, objective: Any, device: torch.device, precision: str, step: int
) -> None:
    """One update, from this process's rows of the step's batch; its losses stay on the device for now."""
    run = config.run
    inputs, targets = task.batches.batch(step)
    count = int((targets != IGNORED).sum())
    world, rank = processes.world(), processes.rank()
    torch.manual_seed(_dropout_seed(run.seed, step, rank))
    learning_rate = rate(config.schedule, config.optimiser.learning_rate, step, run.steps)
    for group in state.optimiser.param_groups:
        group["lr"] = learning_rate
    pieces = np.array_split(np.arange(rank, len(inputs), world), run.accumulate)
    nats = torch.zeros((), dtype=torch.float32, device=device)
    for number, rows in enumerate(pieces):
        last = number == len(pieces) - 1
        waiting = contextlib.nullcontext() if last or world == 1 else objective.no_sync()
        width = _used_width(targets[rows])
        with waiting:
            with _autocast(device, precision):
                loss, nll = objective(_on(inputs[rows, :width], device), _on(targets[rows, :width], device))
            # parallel training averages gradients over processes; ours are to be summed
            (loss * (world / (task.batches.divisor or count))).backward()
        nats += nll
    norm = torch.nn.utils.clip_grad_norm_(
        state.model.parameters(), config.optimiser.clip or math.inf, foreach=True, error_if_nonfinite=False
    )
    state.optimiser.step()
    state.optimiser.zero_grad(set_to_none=True)
    state.pending.append((count, nats, learning_rate, norm))


def _look(state: _State, keeping: Keeping) -> None:
    """Bring the losses of the last steps from the device into the history, and see that they are numbers."""
    sums = _summed(torch.stack([nats for _, nats, _, _ in state.pending]).double().cpu())
    norms = torch.stack([norm.detach() for _, _, _, norm in state.pending]).cpu()
    for (count, _, learning_rate, _), nats, norm in zip(state.pending, sums.tolist(), norms.tolist(), strict=True):
        state.history.add(count, nats / count, learning_rate, norm)
        if not (math.isfinite(nats) and math.isfinite(norm)):
            what = "loss" if not math.isfinite(nats) else "gradient"
            step = state.history.length
            kept = "" if keeping.work is None else f"; earlier checkpoints are kept in {keeping.work}"
            raise DivergedError(
                f"the {what} of step {step:,} is not finite, at learning rate {learning_rate:g}{kept}; try a lower"
                " optimiser.learning_rate, a longer schedule.warmup or a smaller optimiser.clip"
            )
    state.pending.clear()


def _evaluate_all(task: Task, state: _State, device: torch.device) -> None:
    state.history.evaluated({name: evaluate(state.model, s, device) for name, s in task.sets.items()})


def _save(state: _State, keeping: Keeping) -> None:
    def write() -> None:
        assert keeping.work is not None
        tensors = {_MODEL + name: weight for name, weight in state.model.named_parameters()}
        tensors |= state_tensors(state.model, state.optimiser)
        tensors |= {name: torch.from_numpy(values) for name, values in state.history.state().items()}
        document = {"training_s": state.training_s}
        checkpoint.save(keeping.work, Checkpoint(state.history.length, tensors, document), keeping.keep)

    processes.shared(write)


def _pace(state: _State) -> int:
    """After how many steps to look again, at the run's mean speed."""
    return max(1, int(LOOK_S * state.history.length / max(state.training_s, 1e-9)))


def _dropout_seed(seed: int, step: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> 1)


def _portions(targets: np.ndarray) -> Iterator[slice]:
    """Rows to evaluate at once: as many as have EVALUATED_AT_ONCE places, at least one."""
    first = 0
    while first < len(targets):
        count = max(1, EVALUATED_AT_ONCE // targets.shape[1])
        width = _used_width(targets[first : first + count])
        count = max(count, EVALUATED_AT_ONCE // max(width, 1))
        yield slice(first, first + count)
        first += count


def _used_width(targets: np.ndarray) -> int:
    """Columns up to the last that any row counts."""
    used = np.flatnonzero((targets != IGNORED).any(axis=0))
    return int(used[-1]) + 1 if len(used) else min(1, targets.shape[1])


def _on(array: np.ndarray, device: torch.device) -> torch.Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def _summed(values: torch.Tensor) -> torch.Tensor:
    """Sums over the processes, on the CPU."""
    if processes.world() > 1:
        torch.distributed.all_reduce(values)
    return values


__all__ = ["DivergedError", "Interrupted", "Keeping", "Trained", "WorkError", "evaluate", "train"]
