"""Several processes that measure together, as torchrun starts them; one process alone is the plain case.

Every process runs the same code. What one does for all (`shared`) and what each does (`together`) ends alike in all
of them: an error of one is an error of all, so that none waits for another that has given up.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .errors import first_line

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
PATIENCE = timedelta(days=7)  # processes wait while the first one draws chunks from a whole corpus


class AloneError(ValueError):
    """What went wrong in this process before it joined the others, who cannot tell of it."""

    alone = True


def started() -> bool:
    """Whether torchrun started this process, one of several or not."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def rank() -> int:
    """The number of this process, from 0."""
    return int(_distributed().get_rank()) if _joined() else 0


def world() -> int:
    """How many processes measure together."""
    return int(_distributed().get_world_size()) if _joined() else 1


@contextlib.contextmanager
def joined(device: str = "auto") -> Iterator[str]:
    """Join the processes that torchrun started, if it did; gives the device of this one.

    Args:
        device: `auto`, `cuda` (both: one GPU for each process) or `cpu`. Alone any device that torch knows.

    Raises:
        AloneError: a GPU named by number for several processes, fewer GPUs than processes on this machine, or others
            that cannot be reached.
    """
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not started():
        yield device if device != "auto" else "cuda" if gpus else "cpu"
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    place = device if device != "auto" else "cuda" if gpus else "cpu"
    if place not in ("cpu", "cuda"):
        raise AloneError(f"device {device!r}: under torchrun expected auto, cpu or cuda, one GPU for each process")
    if place == "cuda":
        if local >= gpus:
            raise AloneError(f"device {device!r}: process {local} of this machine has no GPU; there are {gpus}")
        torch.cuda.set_device(local)
        place = f"cuda:{local}"
    backend = "cpu:gloo,cuda:nccl" if place != "cpu" else "gloo"
    try:
        _distributed().init_process_group(backend, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise AloneError(f"process {os.environ['RANK']} cannot join the others: {first_line(error)}") from error
    yield place
    _distributed().destroy_process_group()  # after an error processes just end: another may be gone already


def available(device: str) -> torch.device:
    """The device of that name, once a number has been put there and read back.

    Raises:
        ValueError: this machine has no such device.
    """
    import torch

    try:
        place = torch.device(device)
        float(torch.ones(1, device=place))  # there, and holding numbers, as the meta device does not
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"device {device!r} is not available: {first_line(error)}") from error
    return place


def shared(work: Callable[[], T]) -> T:
    """What `work` gives in the first process, for all; the others wait. Its error is raised in all of them.

    Raises:
        ValueError: an error of the first process, in the others. KeyboardInterrupt: likewise.
    """
    if world() == 1:
        return work()
    found: list[Any] = [None, None]
    own: BaseException | None = None
    if rank() == 0:
        try:
            found[0] = work()
        except (Exception, KeyboardInterrupt) as error:
            own = error
            found[1] = _told(error)
    _collect(_distributed().broadcast_object_list, found, 0)
    if own is not None:
        raise own
    if found[1] is not None:
        raise _again(0, *found[1])
    return cast(T, found[0])


def together(work: Callable[[], T]) -> T:
    """What `work` gives in every process; an error of one is raised in all.

    Raises:
        ValueError: an error of another process. KeyboardInterrupt: likewise.
    """
    if world() == 1:
        return work()
    result: Any = None
    own: BaseException | None = None
    try:
        result = work()
    except (Exception, KeyboardInterrupt) as error:
        own = error
    told: list[Any] = [None] * world()
    _collect(_distributed().all_gather_object, told, None if own is None else _told(own))
    if own is not None:
        raise own
    for number, words in enumerate(told):
        if words is not None:
            raise _again(number, *words)
    return cast(T, result)


def _joined() -> bool:
    distributed = _distributed()
    return bool(distributed.is_available() and distributed.is_initialized())


def _distributed() -> Any:
    import torch.distributed

    return torch.distributed


def _collect(call: Callable[..., Any], *arguments: Any) -> None:
    try:
        call(*arguments)
    except RuntimeError as error:  # a connection that closed
        raise ValueError("another process of this run ended early") from error


def _told(error: BaseException) -> tuple[bool, str]:
    return isinstance(error, KeyboardInterrupt), str(error) or type(error).__name__


def _again(number: int, interrupted: bool, words: str) -> BaseException:
    return KeyboardInterrupt(words) if interrupted else ValueError(f"process {number}: {words}")
