"""Load a causal language model from the hub, a folder, or a llama2.c file.

Weights are read from safetensors only: pickled ones can run any code on loading, and so can a repository's
own Python, which is never run. A folder may hold any architecture that transformers knows, or one of our own
(`models/own.py`). Attention is PyTorch's scaled dot-product attention (SDPA) wherever the architecture has it, and
transformers' plain ("eager") one elsewhere.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .. import provenance
from ..errors import first_line
from ..processes import available
from .llama2c import Llama2cTokenizer, load_llama2c
from .own import introduce
from .weights import ONE, looks_pickled, refusal, weight_files

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "bfloat16", "float16")
_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_WANTED = ["*.json", "*.txt", "*.model", "model*.safetensors"]  # of the hub: no code and no pickle is even fetched


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

    @property
    def attention(self) -> str:
        """How the model computes attention: "sdpa", or "eager" where its architecture has no other."""
        return str(self.model.config._attn_implementation)


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
        dtype: float32, bfloat16 or float16; of the weights. What an architecture computes in float32 (the angles
            of rotary embeddings, some norms) stays so.
        device: where the model goes. With accelerate installed a folder's weights go straight there; without it
            they pass through this machine's memory once, in `dtype`.

    Raises:
        ValueError: what is missing or refused and why, naming the file or the id. Refused are pickled weights and
            every format but safetensors, models and tokenizers that need Python code of their own, quantised
            weights and adapters.
    """
    import torch

    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r}: expected one of {', '.join(DTYPES)}")
    place = available(device)
    path = Path(spec).expanduser()
    inputs: tuple[dict[str, Any], ...]
    if path.is_file():
        model, name, revision, own = _llama2c(path, getattr(torch, dtype)).to(place), path.stem, None, None
        inputs = (provenance.file_input(path),)
        if tokenizer is None:
            raise ValueError(f"{path.name}: a llama2.c model brings no tokenizer; name its tokenizer file too")
    else:
        own, name, revision = _folder(path, str(spec))
        _check_config(own, name)
        files = weight_files(own, name)
        model = _pretrained(own, name, getattr(torch, dtype), place)
        inputs = tuple(provenance.file_input(file) for file in (own / "config.json", *files))
    words, more = _tokenizer(tokenizer, own, name)
    rows = model.get_input_embeddings().weight.shape[0]
    if len(words) > rows:
        raise ValueError(f"the tokenizer has {len(words):,} tokens, the model {name} only {rows:,}; expected its own")
    model = model.eval()
    known = {item["name"] for item in inputs}
    return LoadedModel(model, words, name, (*inputs, *(item for item in more if item["name"] not in known)), revision)


def _llama2c(path: Path, dtype: torch.dtype) -> Any:
    # llama2.c's files end in .bin as pickled ones do, so their beginning tells
    why = refusal("x.bin" if looks_pickled(path) else path.name.removesuffix(".bin"))
    if why:
        raise ValueError(f"{path.name}: {why}")
    if path.suffix == ".safetensors":
        raise ValueError(f"{path.name}: name the folder that holds it together with its config.json")
    model = load_llama2c(path)
    for weight in model.parameters():  # not the buffers: angles of rotary embeddings are kept in float32
        weight.data = weight.data.to(dtype)
    return model


def _folder(path: Path, spec: str) -> tuple[Path, str, str | None]:
    """The local folder of a model or tokenizer, its short name, and its hub commit if it has one."""
    if path.is_dir():
        return path, Path(os.path.abspath(path)).name, None  # a link goes by its own name
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


def _pretrained(folder: Path, name: str, dtype: torch.dtype, place: torch.device) -> Any:
    """The model of a folder, in `dtype` at once (no float32 copy of a large one is made) and on its device."""
    from transformers import AutoConfig, AutoModelForCausalLM

    loading: Any = AutoModelForCausalLM.from_pretrained
    careful: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    options = careful | {"dtype": dtype, "use_safetensors": True, "output_loading_info": True}
    options["ignore_mismatched_sizes"] = True  # they are refused below, by name
    if place.type != "cpu" and importlib.util.find_spec("accelerate"):
        options["device_map"] = {"": place}  # each tensor straight to the device, none kept on the host
    try:
        # by way of the config object: what its file says of attention may be a kernel to be fetched from the hub
        config = AutoConfig.from_pretrained(folder, **careful)
        try:
            model, report = loading(folder, config=config, attn_implementation="sdpa", **options)
        except ValueError:  # an architecture that has no SDPA says so before any weight is read
            model, report = loading(folder, config=config, attn_implementation="eager", **options)
    except MemoryError:
        raise
    except Exception as error:  # damaged weights and settings raise classes of their own, of no common kind
        what = "damaged weights" if type(error).__name__ == "SafetensorError" else "cannot be loaded"
        raise ValueError(f"{name}: {what}: {first_line(error)}") from error
    if wrong := sorted(report["mismatched_keys"]):
        key, found, wanted = wrong[0]
        more = f", and {len(wrong) - 1} more are not right" if wrong[1:] else ""
        raise ValueError(f"{name}: its {key} has shape {tuple(found)}, its config.json asks for {tuple(wanted)}{more}")
    if missing := sorted(report["missing_keys"]):  # they would be drawn at random
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise ValueError(f"{name}: its weights lack {missing[0]}{more}, which its config.json asks for")
    return model.to(place)


def _check_config(folder: Path, name: str) -> None:
    """Refuse what config.json asks for and this package does not do; make a model class of our own known."""
    from transformers import CONFIG_MAPPING

    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise ValueError(f"{name}: an adapter, not a model; merge it into its base model and save that")
        raise ValueError(f"{name}: no config.json there; expected a model folder as save_pretrained writes it")
    config = _json(folder / "config.json", name)
    kind = config.get("model_type")
    known = isinstance(kind, str) and (introduce(kind) or kind in CONFIG_MAPPING)
    if config.get("auto_map") and not known:
        raise ValueError(f"{name}: needs the Python code that comes with it (model type {kind!r}), which is never run")
    if config.get("quantization_config"):
        raise ValueError(f"{name}: its weights are quantised; expected those of the model before that")
    if config.get("transformers_weights"):
        raise ValueError(f"{name}: its config.json names other weights ({config['transformers_weights']!r}) than {ONE}")


def _json(path: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{name}: {path.name} cannot be loaded: {first_line(error)}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{name}: {path.name} cannot be loaded: it holds no object")
    return found


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
    config = _json(path, name) if (path := folder / "tokenizer_config.json").is_file() else {}
    declared, needs_code = str(config.get("tokenizer_class")), ""
    if config.get("auto_map"):
        needs_code = f"its tokenizer needs the Python code that comes with it ({declared}), which is never run"
    try:
        words = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # tokenizer libraries raise plain Exception for damaged files
        if needs_code:
            raise ValueError(f"{name}: {needs_code}") from error
        raise ValueError(f"{name}: its tokenizer cannot be loaded: {first_line(error)}") from error
    if needs_code and type(words).__name__.removesuffix("Fast") != declared.removesuffix("Fast"):
        raise ValueError(f"{name}: {needs_code}")  # another class would read its files, and cut text differently
    return words, [provenance.file_input(path) for path in files if path.is_file()]
