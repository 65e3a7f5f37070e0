"""The package's own model classes, by the `model_type` that their folders' config.json names.

A class of ours derives from transformers' PreTrainedModel, so its folders are written by `save_pretrained` and read
as any other; it has only to be entered in `OWN`.
"""

from __future__ import annotations

import importlib

OWN: dict[str, tuple[str, str, str]] = {
    "beyond_openelm": ("beyond_scaling.models.openelm", "OpenELMConfig", "OpenELMForCausalLM"),
    "beyond_vanilla": ("beyond_scaling.models.vanilla", "VanillaConfig", "VanillaForCausalLM"),
}
"""model_type -> module, class of its configuration, class of the causal language model. llama2.c's models are
Llamas and need no entry."""


def introduce(model_type: str) -> bool:
    """Make a model type of ours known to transformers' AutoConfig and AutoModelForCausalLM; False if it is not ours.

    Raises:
        ValueError: the entry's configuration is of another model_type.
    """
    if model_type not in OWN:
        return False
    from transformers import AutoConfig, AutoModelForCausalLM

    module, config, model = OWN[model_type]
    classes = importlib.import_module(module)
    AutoConfig.register(model_type, getattr(classes, config), exist_ok=True)
    AutoModelForCausalLM.register(getattr(classes, config), getattr(classes, model), exist_ok=True)
    return True
