"""Which files hold a model's weights, and why others are refused.

Only safetensors are read: a table of names, shapes and numbers. Pickled weights can run any code on loading.
"""

from __future__ import annotations

import json
from pathlib import Path

ONE, INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLED = "pickled weights are refused, since loading them can run any code; convert them to safetensors"
_REFUSED = {  # how names end -> why
    (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".distcp", ".metadata"): _PICKLED,
    (".gguf",): "GGUF holds weights for llama.cpp, mostly quantised; expected the safetensors that it was made from",
    (".onnx",): "an ONNX graph hides the activations inside it; expected the safetensors that it was made from",
    (".h5", ".msgpack"): "transformers no longer reads TensorFlow's and Flax's weights; convert them to safetensors",
}
_LFS = b"version https://git-lfs"


def refusal(file: str) -> str | None:
    """Why a file of weights with this name is refused, or None if its name is of no refused kind."""
    return next((why for ends, why in _REFUSED.items() if file.lower().endswith(ends)), None)


def looks_pickled(path: Path) -> bool:
    """Whether a file begins as a pickle or as torch.save's archive does."""
    with path.open("rb") as file:
        start = file.read(4).ljust(4, b"\0")
    if start[:1] == b"\x80":  # so begins a llama2.c file of width 640 too: 80 02 00 00; no pickle has an opcode 0
        return 2 <= start[1] <= 5 and start[2] != 0
    return start == b"PK\x03\x04"


def weight_files(folder: Path, name: str) -> list[Path]:
    """The safetensors of a model folder: one file, or an index and every shard it names.

    Raises:
        ValueError: naming the model `name`: there are none, a shard is missing, the index is damaged, or the weights
            are of a kind that is refused, with the reason.
    """
    files = sorted(path.name for path in folder.iterdir() if path.is_file())
    if distributed := [file for file in files if file == ".metadata" or file.endswith(".distcp")]:
        # transformers would take these before any safetensors
        raise ValueError(f"{name}: a distributed checkpoint ({distributed[0]}): {_PICKLED}")
    if ONE in files:
        found = [folder / ONE]
    elif INDEX in files:
        found = [folder / INDEX, *_shards(folder, name)]
    elif any(file.startswith("model-") and file.endswith(".safetensors") for file in files):
        raise ValueError(f"{name}: shards of weights without their {INDEX}")
    else:
        for file in files:
            if why := refusal(file):
                raise ValueError(f"{name}: no {ONE} there, only {file}: {why}")
        # of the hub nothing else has been fetched, so what there is instead cannot be told
        raise ValueError(f"{name}: no {ONE} there, and no other format is read (pickled weights can run any code)")
    for path in found:
        with path.open("rb") as weights:
            if weights.read(len(_LFS)) == _LFS:
                raise ValueError(f"{name}: {path.name} is Git LFS's pointer to the weights; fetch them (git lfs pull)")
    return found


def _shards(folder: Path, name: str) -> list[Path]:
    try:
        shards = sorted(set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{name}: damaged weights: {INDEX} is no index of shards") from error
    if not shards:
        raise ValueError(f"{name}: damaged weights: {INDEX} names no shard")
    for shard in shards:
        if not isinstance(shard, str) or Path(shard).name != shard or not shard.endswith(".safetensors"):
            raise ValueError(f"{name}: {INDEX} names the shard {shard!r}; expected a .safetensors file beside it")
    if missing := [shard for shard in shards if not (folder / shard).is_file()]:
        raise ValueError(f"{name}: {len(missing)} of {len(shards)} shards missing, the first {missing[0]}")
    return [folder / shard for shard in shards]
