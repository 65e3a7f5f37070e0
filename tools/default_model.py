"""Put a trained model into the box: its folder, and a card whose numbers come from its weights and its record.

    python tools/default_model.py MODEL [--record training-default-model]

MODEL is the folder that `beyond-scaling train --save` wrote. docs/default-model.md has the steps before this one.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
from pathlib import Path

from beyond_scaling import provenance, results
from beyond_scaling.corpora.default import default_text
from beyond_scaling.models.default import NAME, RECORD, default_model

WEIGHTS = "model.safetensors"
FILES = ("config.json", "generation_config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json")
CARD = "README.md"
LARGEST = 2_000_000  # bytes of the weights: every clone and every wheel carries them

_CARD = """\
---
license: mit
language: en
library_name: transformers
---
# {name}

A language model small enough to come with a package: an OpenELM (Mehta et al. 2024) of {total:,} parameters, {blocks:,}
of them in its {layers} blocks. It is what `beyond-scaling radius` measures if no model is named.

| | |
|:--|:--|
| width | {width} |
| query heads, by block | {query_heads} |
| key-value heads | {kv_heads} |
| feed-forward widths | {ffn_widths} |
| vocabulary | {vocabulary:,}, byte-level BPE |
| context | {context} tokens |

```python
from beyond_scaling.models.default import default_model
from beyond_scaling.models.load import load_model

loaded = load_model(default_model())
prompt = loaded.tokenizer("It was a dark night, and", return_tensors="pt")["input_ids"]
written = loaded.model.generate(prompt, do_sample=True, top_k=20, max_new_tokens=100)
print(loaded.tokenizer.decode(written[0]))
```

## Training

- **Text**: public-domain books in English, works dated after 1929 left out: {corpus:,} tokens, from `{books[0]}`
  and `{books[1]}`, two of eight files of mlschmitt/classic-books-markdown @ 9448827. The last 5% of the
  tokens were held out, and the other six files were not used at all.
- **Run**: {steps:,} steps of {batch} chunks of {context} tokens, {tokens:,} tokens in all; AdamW, {schedule} schedule,
  {precision}. {hours:.1f} hours on {threads} core{s} of a CPU, {rate:,.0f} tokens a second.
- **Record**: `book/results/{record}`, with the losses of every step
  (`beyond-scaling verify {record}`).

| loss | nats a token |
|:--|--:|
| training, mean of the last 5% of the steps | {train:.3f} |
| held-out tokens | {validation:.3f} |
| *Flatland*, the text in the box, not trained on | {excerpt:.3f} |

On *Flatland* that is {bits:.2f} bits a byte. Guessing evenly among {vocabulary:,} tokens costs {uniform:.3f} nats.

## Limits

It writes what looks like nineteenth-century prose from some way off. It knows nothing and follows no thread. The books
have their times' prejudices, and so may what it writes. It is for trying measurements out.

## Licence

The weights, like the repository, are under the MIT licence. The books are in the public domain.

SHA-256 of `{weights}`: `{sha256}`
"""


def excerpt_loss(folder: Path) -> tuple[float, float]:
    """The model's loss on the text in the box: 256 chunks evenly spaced, as the training looked at its held-out tokens.

    Returns:
        It in nats a token, and in bits a byte of the text.
    """
    import numpy as np
    import torch

    from beyond_scaling.models.load import load_model
    from beyond_scaling.training.batches import evaluation_chunks
    from beyond_scaling.training.loop import evaluate

    loaded = load_model(folder)
    text = default_text().read_text(encoding="utf-8")
    tokens = np.array(loaded.tokenizer.encode(text, add_special_tokens=False))
    chosen = evaluation_chunks(tokens, loaded.model.config.max_position_embeddings, 256)
    loss = evaluate(loaded.model, chosen, torch.device("cpu"))
    return loss, loss / math.log(2) * len(tokens) / len(text.encode())


def card(folder: Path, record: results.Record, loss: float, bits: float) -> str:
    """The model's card: what it is, what it was made from, how well it does, what it is not for.

    Args:
        loss, bits: on the text in the box, as `excerpt_loss` measures them.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    told, used, threads = record.summary, record.parameters, record.hardware["threads"]
    books = [item["name"] for item in record.inputs if item["name"].endswith(".parquet")]
    [tokens] = [item["bytes"] for item in record.inputs if item["name"].endswith("/tokens.bin")]
    return _CARD.format(
        name=NAME,
        **told["model"],
        layers=config["num_hidden_layers"],
        width=config["hidden_size"],
        **{key: ", ".join(map(str, config[key])) for key in ("query_heads", "kv_heads", "ffn_widths")},
        vocabulary=used["vocabulary"],
        context=used["context"],
        corpus=tokens // 2,  # two bytes each
        books=books,
        steps=told["steps"],
        tokens=told["tokens"],
        batch=used["run.batch"],
        schedule=used["schedule.kind"],
        precision=used["precision"],
        hours=record.duration_s / 3600,
        threads=threads,
        s="s" if threads > 1 else "",
        rate=told["tokens_per_second"],
        record=record.name,
        train=told["train"]["last"],
        validation=told["sets"]["validation"]["last"],
        excerpt=loss,
        bits=bits,
        uniform=math.log(used["vocabulary"]),
        weights=WEIGHTS,
        sha256=provenance.file_input(folder / WEIGHTS)["sha256"],
    )


def put(folder: Path, record: results.Record, place: Path) -> None:
    """Copy a model's files to `place`, where nothing else stays, and write its card there.

    Raises:
        ValueError: the weights are too large.
    """
    if (size := (folder / WEIGHTS).stat().st_size) > LARGEST:
        raise ValueError(f"{WEIGHTS} has {size:,} bytes; expected at most {LARGEST:,}")
    words = card(folder, record, *excerpt_loss(folder))
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(folder / name, place / name)
    (place / CARD).write_text(words, encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the trained model")
    parser.add_argument("--record", default=RECORD, help=f"of its training, in book/results (default: {RECORD})")
    options = parser.parse_args(argv)
    put(options.model, results.load(options.record), default_model())
    print((default_model() / CARD).read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
