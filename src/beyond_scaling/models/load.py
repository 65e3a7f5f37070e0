"""Load a published causal language model from the hub, a folder, or a llama2.c file.

Weights are read from safetensors only: pickled ones can run any code on loading, and so can a repository's
own Python.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .. import provenance
from ..errors import first_line
from .llama2c import Llama2cTokenizer, load_llama2c

DTYPES = ("float32", "bfloat16", "float16")
_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_WANTED = ["*.json", "*.txt", "*.model", "model*.safetensors"]


class Tokenizer(Protocol):
    """What measuring asks of a tokenizer."""

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class LoadedModel:
    """A causal language model in evaluation mode, its tokenizer, and the files they came from.

    `inputs` are (name, SHA-256, bytes) of every file read; `name` is short and holds no path; `revision` is
    the hub's commit or None.
    """

    model: Any
    tokenizer: Tokenizer
    name: str
    inputs: tuple[dict[str, Any], ...]
    revision: str | None = None


def load_model(
    spec: str | os.PathLike[str],
    tokenizer: str | os.PathLike[str] | None = None,
    dtype: str = "float32",
    device: str = "cpu",
) -> LoadedModel:
    """Load `spec`: a folder as `save_pretrained` writes it, a llama2.c `.bin`, or a hub id such as `gpt2`.

    Args:
        tokenizer: a folder, hub id, or llama2.c tokenizer file; by default the model's own. A llama2.c model
            needs one.
        dtype: float32, bfloat16 or float16. device: where the model goes.

    Raises:
        ValueError: what is missing or refused, naming the file or the id; pickled weights are always refused.
    """
    import torch

    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r}: expected one of {', '.join(DTYPES)}")
    place = _device(device)
    path = Path(spec).expanduser()
    inputs: tuple[dict[str, Any], ...]
    if path.is_file():
        model, name, revision, own = _llama2c(path), path.stem, None, None
        inputs = (provenance.file_input(path),)
        if tokenizer is None:
            raise ValueError(f"{path.name}: a llama2.c model brings no tokenizer; name its tokenizer file too")
    else:
        own, name, revision = _folder(path, str(spec))
        model, inputs = _pretrained(own, name), _model_files(own)
    words, more = _tokenizer(tokenizer, own, name)
    rows = model.get_input_embeddings().weight.shape[0]
    if len(words) > rows:
        raise ValueError(f"the tokenizer has {len(words):,} tokens, the model {name} only {rows:,}; expected its own")
    model = model.to(device=place, dtype=getattr(torch, dtype)).eval()
    known = {item["name"] for item in inputs}
    return LoadedModel(model, words, name, (*inputs, *(item for item in more if item["name"] not in known)), revision)


def _device(device: str) -> Any:
    import torch

    try:
        place = torch.device(device)
        float(torch.ones(1, device=place))  # there, and holding numbers, as the meta device does not
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"device {device!r} is not available: {first_line(error)}") from error
    return place


def _llama2c(path: Path) -> Any:
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] == b"PK" or start[:1] == b"\x80" or path.suffix in (".pt", ".pth", ".ckpt", ".pkl"):
        raise ValueError(
            f"{path.name}: pickled weights are refused, since loading them can run any code; use safetensors"
        )
    if path.suffix == ".safetensors":
        raise ValueError(f"{path.name}: name the folder that holds it together with its config.json")
    return load_llama2c(path)


def _folder(path: Path, spec: str) -> tuple[Path, str, str | None]:
    """The local folder of a model or tokenizer, its short name, and its hub commit if it has one."""
    if path.is_dir():
        return path, path.resolve().name, None
    if not _HUB_ID.fullmatch(spec) or path.suffix in (".bin", ".safetensors", ".model"):
        raise ValueError(f"{spec}: no such file or folder")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        folder = Path(snapshot_download(spec, allow_patterns=_WANTED, ignore_patterns=["*/*"]))
    except RepositoryNotFoundError as error:
        raise ValueError(f"{spec}: neither a file or folder here nor a public model on the hub") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise ValueError(
            f"{spec}: no such file or folder here, not in the cache, and the hub cannot be reached"
            f" ({type(error).__name__})"
        ) from error
    return folder, spec, folder.name


def _model_files(folder: Path) -> tuple[dict[str, Any], ...]:
    chosen = sorted({*folder.glob("model*.safetensors"), *folder.glob("config.json")})
    return tuple(provenance.file_input(path) for path in chosen)


def _pretrained(folder: Path, name: str) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    if not (folder / "config.json").is_file():
        raise ValueError(f"{name}: no config.json there; expected a model folder as save_pretrained writes it")
    if not any(folder.glob("model*.safetensors")):
        pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
        if pickles:
            raise ValueError(
                f"{name}: only pickled weights ({pickles[0]}), which are refused, since loading them can run"
                " any code; convert them to safetensors"
            )
        raise ValueError(f"{name}: no model.safetensors there")
    loading: Any = AutoModelForCausalLM.from_pretrained
    try:
        model, report = loading(
            folder,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except MemoryError:
        raise
    except Exception as error:  # damaged weights and settings raise classes of their own, of no common kind
        what = "damaged weights" if type(error).__name__ == "SafetensorError" else "cannot be loaded"
        raise ValueError(f"{name}: {what}: {first_line(error)}") from error
    if missing := sorted(report["missing_keys"]):  # they would be drawn at random
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise ValueError(f"{name}: its weights lack {missing[0]}{more}, which its config.json asks for")
    return model


def _tokenizer(
    spec: str | os.PathLike[str] | None, own: Path | None, name: str
) -> tuple[Tokenizer, list[dict[str, Any]]]:
    if spec is not None and Path(spec).expanduser().is_file():
        path = Path(spec).expanduser()
        return Llama2cTokenizer.from_file(path), [provenance.file_input(path)]
    if spec is not None:
        folder, name, _ = _folder(Path(spec).expanduser(), str(spec))
    else:
        assert own is not None
        folder = own
    from transformers import AutoTokenizer

    files = sorted(
        {
            *folder.glob("tokenizer*"),
            *folder.glob("vocab.*"),
            *folder.glob("merges.txt"),
            *folder.glob("*.model"),
        }
    )
    if not files:
        raise ValueError(f"{name}: no tokenizer there; name one")
    try:
        words = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # tokenizer libraries raise plain Exception for damaged files
        raise ValueError(f"{name}: its tokenizer cannot be loaded: {first_line(error)}") from error
    return words, [provenance.file_input(path) for path in files if path.is_file()]
