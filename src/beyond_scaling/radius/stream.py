"""The residual stream of a causal language model: where it can be read, whatever the architecture calls it.

A SITE is a place of the stream: "layer-0" (what enters the first block), "layer-l" (what leaves block l), "before"
(what enters the final norm, the same as the last "layer-L") and "after" (what leaves the norm). Blocks are found by
watching a pass of two tokens: the modules of a list of which each reads what the one before it wrote, and the last of
which wrote what the final norm reads.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..models.final_norm import final_norm, norm_width

if TYPE_CHECKING:
    import torch

BEFORE, AFTER = "before", "after"
_LAYER = re.compile(r"layer-(0|[1-9]\d*)")


@dataclass(frozen=True)
class Stream:
    """Where to read a model: its `backbone` (the model without its output matrix), final `norm` and `blocks`.

    `blocks` is empty where the stream was not found; `options` are what to call the backbone with, besides tokens;
    `width` is n.
    """

    backbone: torch.nn.Module
    norm: torch.nn.Module
    blocks: tuple[torch.nn.Module, ...]
    options: dict[str, Any]
    width: int
    name: str  # of the model's class, for messages

    @property
    def layers(self) -> int:
        """Number of blocks L; ValueError if they were not found."""
        if not self.blocks:
            raise ValueError(
                f"{self.name}: the residual stream was not found: no list of blocks of which each reads what the one"
                " before it wrote and the last wrote what the final norm reads; only the sites before and after the"
                " final norm can be recorded"
            )
        return len(self.blocks)

    def place(self, site: str) -> str:
        """The site's own name, and "before" for the last "layer-L"; ValueError for what is no site."""
        if site in (BEFORE, AFTER):
            return site
        found = _LAYER.fullmatch(site) if isinstance(site, str) else None
        if found is None:
            raise ValueError(f"sites holds {site!r}; expected before, after, or layer-K with K in 0...{self.layers}")
        _check_layer(int(found[1]), self.layers)
        return BEFORE if int(found[1]) == self.layers else site


def find_stream(model: Any) -> Stream:
    """Find final norm and blocks of a causal language model by two passes of two tokens.

    Raises:
        ValueError: an encoder-decoder, a model without a final norm (`final_norm`), or one whose last norm is the
            end of its last block (post-norm), so that no stream enters it.
    """
    import torch

    kind = type(model).__name__
    if getattr(model.config, "is_encoder_decoder", False):
        raise ValueError(f"{kind} is an encoder and a decoder; expected a causal language model")
    name, norm = final_norm(model)
    if (inside := _list_around(model, name)) is not None:
        raise ValueError(
            f"{kind}: its last norm, {name}, is part of a block of {inside} (post-norm); expected a final norm after"
            " the last block"
        )
    inner = model.base_model
    whole = norm not in set(inner.modules())
    options: dict[str, Any] = {"use_cache": False}
    if whole and "logits_to_keep" in inspect.signature(model.forward).parameters:
        options["logits_to_keep"] = 1  # the output matrix cannot be left out, but be given one position only
    backbone = model if whole else inner
    lists = [m for m in backbone.modules() if isinstance(m, (torch.nn.ModuleList, torch.nn.Sequential)) and len(m)]
    watched = {norm, *(block for blocks in lists for block in blocks)}
    entered: dict[torch.nn.Module, list[torch.Tensor]] = {module: [] for module in watched}
    left: dict[torch.nn.Module, list[torch.Tensor]] = {module: [] for module in watched}
    hooks = [m.register_forward_pre_hook(lambda m, a, k: _keep(entered[m], (a, k)), with_kwargs=True) for m in watched]
    hooks += [m.register_forward_hook(lambda m, _, output: _keep(left[m], (output,))) for m in watched]
    try:
        with torch.inference_mode():
            tokens = torch.zeros((1, 2), dtype=torch.long, device=model.device)
            backbone(input_ids=tokens, **options)
    finally:
        for hook in hooks:
            hook.remove()
    found: tuple[torch.nn.Module, ...] = ()
    for blocks in lists:  # outer lists come first
        ran = [block for block in blocks if entered[block] or left[block]]
        once = all(len(entered[block]) == len(left[block]) == 1 for block in ran)
        if ran and once and _chain([left[b][0] for b in ran], [*(entered[b][0] for b in ran[1:]), *entered[norm][-1:]]):
            found = tuple(ran)
            break
    return Stream(backbone, norm, found, options, norm_width(model), kind)


def site_names(model: Any, layers: str | Sequence[int] | None = None) -> tuple[str, ...]:
    """The sites to record: the asked "layer-K" in order, then "before" and "after".

    Args:
        layers: "all" for 0...L, numbers among them, or None.

    Raises:
        ValueError: a layer that is not in 0...L, or a model whose blocks cannot be found.
    """
    if layers is None:
        return (BEFORE, AFTER)
    last = find_stream(model).layers
    if isinstance(layers, str):
        if layers != "all":
            raise ValueError(f"layers is {layers!r}; expected 'all' or numbers in 0...{last}")
        layers = range(last + 1)
    for layer in layers:
        _check_layer(layer, last)
    return (*(f"layer-{layer}" for layer in sorted({int(layer) for layer in layers})), BEFORE, AFTER)


@contextlib.contextmanager
def tapped(stream: Stream, places: Sequence[str]) -> Iterator[dict[str, torch.Tensor]]:
    """Within, every pass of the backbone leaves the last position at each place, (b, n) float32, in a dict."""
    import torch

    caught: dict[str, torch.Tensor] = {}

    def keep(place: str, values: Any) -> None:
        tensor = _first(values)
        if tensor is None or tensor.ndim != 3:
            shape = None if tensor is None else tuple(tensor.shape)
            raise ValueError(f"{stream.name}: the stream at {place} has shape {shape}; expected (b, L, n)")
        # a copy: blocks may write in place, and a view would hold on to all positions
        caught[place] = tensor[:, -1].to(torch.float32, copy=True)

    def enter(module: torch.nn.Module, place: str) -> Any:
        return module.register_forward_pre_hook(lambda _, a, k: keep(place, (a, k)), with_kwargs=True)

    def leave(module: torch.nn.Module, place: str) -> Any:
        return module.register_forward_hook(lambda _, __, output: keep(place, (output,)))

    hooks = []
    try:
        for place in places:
            if place in (BEFORE, AFTER):
                hooks.append((enter if place == BEFORE else leave)(stream.norm, place))
            else:
                layer = int(place.removeprefix("layer-"))
                hooks.append(leave(stream.blocks[layer - 1], place) if layer else enter(stream.blocks[0], place))
        yield caught
    finally:
        for hook in hooks:
            hook.remove()


def _check_layer(layer: Any, last: int) -> None:
    if isinstance(layer, bool) or not hasattr(layer, "__index__") or not 0 <= int(layer) <= last:
        raise ValueError(f"layer {layer!r}: expected a number in 0...{last}, the model's layers")


def _list_around(model: Any, name: str) -> str | None:
    """The name of the list of modules that `name` lies in, if any."""
    import torch

    parts = name.split(".")
    for end in range(1, len(parts)):
        parent = ".".join(parts[:end])
        if isinstance(model.get_submodule(parent), (torch.nn.ModuleList, torch.nn.Sequential)):
            return parent
    return None


def _first(values: Any) -> torch.Tensor | None:
    """The first floating-point tensor of nested arguments or outputs."""
    import torch

    if isinstance(values, torch.Tensor):
        return values if values.is_floating_point() else None
    if isinstance(values, dict):
        values = values.values()
    elif not isinstance(values, (tuple, list)):
        return None
    return next((found for value in values if (found := _first(value)) is not None), None)


def _keep(kept: list[torch.Tensor], values: Any) -> None:
    tensor = _first(values)
    if tensor is not None:
        kept.append(tensor.clone())


def _chain(wrote: list[torch.Tensor], read: list[torch.Tensor]) -> bool:
    return len(wrote) == len(read) and all(_same(a, b) for a, b in zip(wrote, read, strict=True))


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal bit for bit, NaNs included."""
    if a.shape != b.shape or a.dtype != b.dtype or a.device != b.device:
        return False
    return bool(((a == b) | (a.isnan() & b.isnan())).all())
