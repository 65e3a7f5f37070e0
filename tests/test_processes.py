"""Processes that end alike: what one does for all, what each does, and which device is whose."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from beyond_scaling import processes
from beyond_scaling.processes import AloneError, joined, rank, shared, together, world


class Fake:
    """Two processes, of which this is one; `other` is what the other one tells."""

    def __init__(self, number: int, other: Any = None) -> None:
        self.number, self.other = number, other

    def is_available(self) -> bool:
        return True

    is_initialized = is_available

    def get_rank(self) -> int:
        return self.number

    def get_world_size(self) -> int:
        return 2

    def broadcast_object_list(self, found: list[Any], source: int) -> None:
        assert source == 0
        if isinstance(self.other, Exception):
            raise self.other
        if self.number != 0:
            found[:] = self.other

    def all_gather_object(self, told: list[Any], own: Any) -> None:
        if isinstance(self.other, Exception):
            raise self.other
        told[self.number], told[1 - self.number] = own, self.other


def fail(error: BaseException) -> Any:
    def work() -> None:
        raise error

    return work


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(number: int, other: Any = None) -> None:
        monkeypatch.setattr(processes, "_distributed", lambda: Fake(number, other))

    return start


def test_alone_nothing_is_shared() -> None:
    assert (rank(), world()) == (0, 1)
    assert shared(lambda: 3) == together(lambda: 3) == 3
    for call in (shared, together):
        with pytest.raises(ValueError, match="mine"):
            call(fail(ValueError("mine")))


def test_the_first_process_works_for_all(beside: Any) -> None:
    beside(0)
    assert (rank(), world()) == (0, 2)
    assert shared(lambda: [1, 2]) == [1, 2]
    with pytest.raises(OSError, match="mine"):  # its own error is raised as it is
        shared(fail(OSError("mine")))
    beside(1, [[1, 2], None])
    assert shared(fail(AssertionError("not here"))) == [1, 2]
    beside(1, [None, (False, "its disk is full")])
    with pytest.raises(ValueError, match=r"^process 0: its disk is full$"):
        shared(lambda: 3)
    beside(1, [None, (True, "30 of 60 chunks are done")])
    with pytest.raises(KeyboardInterrupt, match="30 of 60"):
        shared(lambda: 3)


@pytest.mark.parametrize("number", [0, 1])
def test_an_error_of_one_is_an_error_of_all(beside: Any, number: int) -> None:
    beside(number)
    assert together(lambda: number) == number
    beside(number, (False, "no memory"))
    with pytest.raises(ValueError, match=f"^process {1 - number}: no memory$"):
        together(lambda: number)
    with pytest.raises(MemoryError, match="mine"):
        together(fail(MemoryError("mine")))
    beside(number, (True, "Ctrl-C"))
    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        together(lambda: number)


def test_a_process_that_is_gone_is_told(beside: Any) -> None:
    for number in (0, 1):
        beside(number, RuntimeError("Connection closed by peer"))
        for call in (shared, together):
            with pytest.raises(ValueError, match=r"^another process of this run ended early$"):
                call(lambda: 3)


def test_each_process_has_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with joined("cpu") as device:
        assert device == "cpu"
    with joined("cuda:7") as device:
        assert device == "cuda:7", "alone any name goes; loading the model says whether it is there"
    for key, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "3", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(ValueError, match="device 'cuda:1': under torchrun expected auto"), joined("cuda:1"):
        pass
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(ValueError, match="process 3 of this machine has no GPU; there are 2"), joined("auto"):
        pass
    monkeypatch.undo()
    for key, value in {"RANK": "1", "WORLD_SIZE": "2"}.items():  # and nobody says where the others are
        monkeypatch.setenv(key, value)
    with pytest.raises(AloneError, match=r"^process 1 cannot join the others: .*MASTER_ADDR"), joined("cpu"):
        pass
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    for key, value in settings.items():
        monkeypatch.setenv(key, value)
    with joined("cpu") as device:  # a real group, of one
        assert (device, rank(), world(), together(lambda: 3)) == ("cpu", 0, 1, 3)
    with joined("cpu"):  # and again: it was left
        pass
