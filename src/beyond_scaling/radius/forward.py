"""Forward passes over chunks of tokens: what they leave at the places of the stream, batch after batch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .stream import Stream, tapped

if TYPE_CHECKING:
    import torch


@dataclass
class Batch:
    """Rows start... of the result: `rows` (T, b, n) float32 on the host, once `event` has come to pass."""

    start: int
    rows: torch.Tensor
    event: Any
    seconds: float

    def wait(self) -> np.ndarray:
        """The values; `seconds` grows by the time that waiting took."""
        if self.event is not None:
            began = time.perf_counter()
            self.event.synchronize()
            self.seconds += time.perf_counter() - began
        return self.rows.numpy()


class Passes:
    """The passes of one model. `batch_size` halves, for good, whenever the device's memory does not suffice."""

    def __init__(self, model: Any, stream: Stream, places: Sequence[str], batch_size: int) -> None:
        self.model, self.stream, self.places, self.batch_size = model, stream, list(places), batch_size

    def over(self, tokens: np.ndarray, pieces: Iterable[tuple[int, int]]) -> Generator[Batch, None, None]:
        """Batches of the rows of each piece start...stop, in order; a GPU is one batch ahead of what is yielded."""
        with self._ready() as caught:
            ahead: Batch | None = None
            for start, stop in pieces:
                while start < stop:
                    end = min(start + self.batch_size, stop)
                    try:
                        batch = self._launch(tokens[start:end], start, caught)
                    except _out_of_memory():
                        if end - start == 1:
                            raise
                        caught.clear()
                        self.batch_size = max(1, min(self.batch_size, end - start) // 2)
                        _release(self.model.device)
                        continue
                    start = end
                    if batch.event is None:
                        yield batch
                        continue
                    ahead, behind = batch, ahead
                    if behind is not None:
                        yield behind
            if ahead is not None:
                yield ahead

    def run(self, tokens: np.ndarray) -> None:
        """One pass over all of `tokens` (b, L), for its use of memory."""
        with self._ready() as caught:
            self._launch(tokens, 0, caught).wait()

    @contextlib.contextmanager
    def _ready(self) -> Iterator[dict[str, torch.Tensor]]:
        with tapped(self.stream, self.places) as caught, evaluating(self.model), one_kernel_gelu(self.model):
            yield caught

    def _launch(self, tokens: np.ndarray, start: int, caught: dict[str, torch.Tensor]) -> Batch:
        import torch

        began = time.perf_counter()
        device = self.model.device
        with torch.inference_mode():  # here, not around `over`: between its batches the caller's code runs
            ids = torch.from_numpy(tokens.astype(np.int64))  # (b, L)
            if device.type == "cuda":
                ids = ids.pin_memory().to(device, non_blocking=True)
            self.stream.backbone(input_ids=ids.to(device), **self.stream.options)
            found = torch.stack([caught.pop(place).to(device) for place in self.places])  # (T, b, n)
            event = None
            if device.type == "cuda":
                host = torch.empty(found.shape, dtype=found.dtype, pin_memory=True)
                found = host.copy_(found, non_blocking=True)
                event = torch.cuda.Event()
                event.record(torch.cuda.current_stream(device))
            else:
                found = found.cpu()
        return Batch(start, found, event, time.perf_counter() - began)


@contextlib.contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Within, every module is in evaluation mode: dropout would make noise of the activations."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextlib.contextmanager
def one_kernel_gelu(model: Any) -> Iterator[None]:
    """Within, a model of bfloat16 or float16 computes GPT-2's "gelu_new" by torch's one kernel for it.

    transformers spells it out in eight steps, each of which reads and writes four times the width and, in half
    precision, rounds: on a GPU they take nearly as long as the matrix products.
    """
    import torch

    swapped = []
    if model.dtype in (torch.bfloat16, torch.float16):
        swapped = [module for module in model.modules() if type(module).__name__ == "NewGELUActivation"]
    for module in swapped:
        module.forward = partial(torch.nn.functional.gelu, approximate="tanh")
    try:
        yield
    finally:
        for module in swapped:
            del module.forward


def _out_of_memory() -> type[BaseException]:
    import torch

    return torch.OutOfMemoryError


def _release(device: torch.device) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()
