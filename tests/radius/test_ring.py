"""The search over several processes: the same distances bit for bit, and every error on all of them."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beyond_scaling.radius import _cpu_search, _device_search, nearest_distances, neighbours
from beyond_scaling.radius.ring import _turns, nearest_distances_across

FRACTIONS = (0.3, 0.8, 1.0)


def vectors() -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(700, 12)).astype(np.float32)
    x[600] = x[10]  # copies on two processes
    return x


def run(rank: int, size: int, port: int, folder: str) -> None:
    """One process: a share of the vectors, then shares that do not fit together."""
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    _cpu_search.GROUP_BYTES = _cpu_search.TILE_BYTES = 1 << 13  # several groups a process
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=size)
    x = vectors()
    edges = [0, 1, 400, 700]
    own = x[edges[rank] : edges[rank + 1]]
    found: dict[str, Any] = {str(f): d for f, d in nearest_distances_across(own, FRACTIONS, seed=3).items()}
    tensor = nearest_distances_across(torch.from_numpy(own).to(torch.bfloat16), (1.0,))[1.0]
    found["bfloat16"] = tensor.numpy()
    for name, (bad, options) in {
        "nan": (np.where(rank == 1, np.nan, own), {}),
        "width": (own[:, : 12 - rank], {}),
        "rank": (own[0] if rank == size - 1 else own, {}),
        "seed": (own, {"seed": rank, "fractions": (0.5,)}),
        "order": (own, {"order": np.arange(700) if rank else None, "fractions": (0.5,)}),
        "fractions": (own, {"fractions": (0.5, 1.0) if rank else (1.0,)}),
        "order of one": (own, {"order": None if rank else [1, 2]}),
    }.items():
        try:
            nearest_distances_across(bad, **options)
        except ValueError as error:
            found[name] = np.array(str(error))
    np.savez(Path(folder) / f"{rank}.npz", **found)
    dist.destroy_process_group()


def test_any_number_of_processes_gives_the_same_answer(tmp_path: Path) -> None:
    import torch
    import torch.multiprocessing as mp

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(run, args=(3, port, str(tmp_path)), nprocs=3)
    answers = [dict(np.load(tmp_path / f"{rank}.npz")) for rank in range(3)]
    expected = nearest_distances(vectors(), FRACTIONS, seed=3)
    rounded = nearest_distances(torch.from_numpy(vectors()).to(torch.bfloat16))[1.0].numpy()
    for answer in answers:
        for fraction, distances in expected.items():
            np.testing.assert_array_equal(answer[str(fraction)], distances)
        np.testing.assert_array_equal(answer["bfloat16"], rounded)
    assert expected[1.0][600] == expected[1.0][10] == 0
    for rank in range(3):
        told = {name: str(answers[rank][name]) for name in answers[rank] if name not in map(str, FRACTIONS)}
        assert told["nan"].removeprefix("process 1: ").startswith("vectors: row 0 holds NaN or infinity")
        assert "process 2 has float32 of width 10; expected one width and dtype" in told["width"]
        assert told["rank"].removeprefix("process 2: ").startswith("vectors has shape (12,)")
        for name in ("seed", "order", "fractions"):
            assert told[name] == "fractions, seed or order differ among processes; expected the same everywhere"
        assert told["order of one"].removeprefix("process 0: ").startswith("order has shape (2,)")


@pytest.mark.parametrize("compiled", [True, False])
def test_one_process_alone(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch.distributed as dist

    monkeypatch.setattr(neighbours, "compiled", lambda: compiled)
    monkeypatch.setattr(_cpu_search, "GROUP_BYTES", 1 << 13)
    monkeypatch.setattr(_cpu_search, "TILE_BYTES", 1 << 13)
    monkeypatch.setattr(_device_search, "TABLE_BYTES", 1 << 13)
    expected = nearest_distances(vectors(), FRACTIONS, seed=3)
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        found = nearest_distances_across(vectors(), FRACTIONS, seed=3)
    finally:
        dist.destroy_process_group()
    for fraction, distances in expected.items():
        np.testing.assert_array_equal(found[fraction], distances)


def test_without_processes_it_says_so() -> None:
    with pytest.raises(RuntimeError, match=r"torch\.distributed is not initialised; start the processes with torchrun"):
        nearest_distances_across(vectors())


@pytest.mark.parametrize("owned", [[(0, 1)], [(0, 3)], [(0, 1), (1, 1)], [(0, 2), (2, 3), (5, 1)], [(0, 0), (0, 4)]])
def test_every_pair_of_groups_meets_once(owned: list[tuple[int, int]]) -> None:
    count = sum(number for _, number in owned)
    met = [tuple(sorted(pair)) for turn in _turns(count, owned) for pair in turn if pair]
    assert sorted(met) == [(i, j) for i in range(count) for j in range(i, count)]
