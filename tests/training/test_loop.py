"""The loop: losses that fall, runs that go on to the bit, and what ends or refuses one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond_scaling.durable import WorkError
from beyond_scaling.training import checkpoint, loop
from beyond_scaling.training.batches import IGNORED
from beyond_scaling.training.build import build
from beyond_scaling.training.config import Config
from beyond_scaling.training.history import History
from beyond_scaling.training.loop import DivergedError, Keeping, Trained, evaluate, train

from . import tiny


def run(config: Config, **options: Any) -> Trained:
    return train(config, build(config), **options)


class Cut(Exception):
    """Stands for the end of the process."""


def cut_at(step: int) -> Any:
    def after(done: int, history: History) -> None:
        if done >= step:
            raise Cut

    return after


def same(one: Trained, other: Trained) -> None:
    for name, values in one.history.rows().items():
        np.testing.assert_array_equal(values, other.history.rows()[name], err_msg=name)
    for (name, a), (_, b) in zip(one.model.named_parameters(), other.model.named_parameters(), strict=True):
        assert torch.equal(a, b), name


def test_losses_fall_and_the_last_evaluation_is_the_models() -> None:
    config = tiny.config(run__steps=60, run__evaluate_every=20, model__dropout=0.0)
    trained = run(config)
    losses = trained.history.rows()["train_loss"]
    assert losses[-10:].mean() < 0.8 * losses[:10].mean()
    steps, values = trained.history.looked_at("training")
    assert steps.tolist() == [20, 40, 60]
    chosen = build(config).sets["training"]
    logits = trained.model(input_ids=torch.from_numpy(chosen.inputs)).logits
    expected = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), torch.from_numpy(chosen.targets).flatten(), ignore_index=IGNORED
    )
    assert values[-1] == pytest.approx(expected.item(), abs=1e-5)
    assert trained.stopped == "60 steps"


def test_the_first_loss_is_the_new_models_own() -> None:
    config = tiny.config(model__dropout=0.0, run__steps=2)
    task = build(config)
    with torch.random.fork_rng():
        torch.manual_seed(config.run.seed)
        model = task.new_model()
    inputs, targets = map(torch.from_numpy, task.batches.batch(0))
    _, nll = model.token_losses(inputs, targets)
    assert run(config).history.rows()["train_loss"][0] == pytest.approx(nll.item() / (targets != IGNORED).sum().item())


def test_the_callers_randomness_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    run(tiny.config(run__steps=2))
    assert torch.equal(torch.rand(3), expected)


def test_seeds_differ_and_repeat() -> None:
    one, again, other = (run(tiny.config(run__seed=seed)) for seed in (0, 0, 1))
    same(one, again)
    assert (one.history.rows()["train_loss"] != other.history.rows()["train_loss"]).any()


@settings(max_examples=6, deadline=None)
@given(cuts=st.lists(st.integers(1, 11), min_size=1, max_size=3))
def test_cut_anywhere_a_run_goes_on_to_the_bit(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    config = tiny.config()
    keeping = Keeping(tmp_path_factory.mktemp("work"), minutes=0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "LOOK_S", 0.0)  # after every step
        for step in cuts:
            with pytest.raises(Cut):
                run(config, keeping=keeping, after_step=cut_at(step))
        same(run(config, keeping=keeping), run(config))


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    config, keeping = tiny.config(), Keeping(tmp_path, minutes=60.0)
    first = run(config, keeping=keeping)
    again = run(config, keeping=keeping, after_step=cut_at(0))
    same(first, again)


def test_a_damaged_checkpoint_costs_only_the_steps_since_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOOK_S", 0.0)
    config, keeping = tiny.config(), Keeping(tmp_path, minutes=0.0)
    with pytest.raises(Cut):
        run(config, keeping=keeping, after_step=cut_at(7))
    newest = max(tmp_path.glob("step-*"))
    newest.write_bytes(newest.read_bytes()[:-5])
    trained = run(config, keeping=keeping)
    assert trained.damaged == (newest.name,)
    same(trained, run(config))


def test_more_minutes_may_be_given_and_nothing_else(tmp_path: Path) -> None:
    keeping = Keeping(tmp_path)
    run(tiny.config(run__minutes=1e-9), keeping=keeping)
    trained = run(tiny.config(run__minutes=5.0), keeping=keeping)
    assert trained.history.length == 12
    with pytest.raises(WorkError, match=r"another run: optimiser\.learning_rate is 0\.003 there, 0\.004 here"):
        run(tiny.config(optimiser__learning_rate=4e-3), keeping=keeping)
    with pytest.raises(WorkError, match=r"another run: data\.seed is 0 there, 1 here"):
        run(tiny.config(data__seed=1), keeping=keeping)


def test_a_loss_that_is_no_number_keeps_the_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LOOK_S", 0.0)
    config = tiny.config(
        optimiser__learning_rate=1e38, schedule__kind="constant", schedule__warmup=0, optimiser__clip=0
    )
    with pytest.raises(DivergedError, match=r"of step \d+ is not finite, at learning rate 1e\+38; earlier checkpoints"):
        run(config, keeping=Keeping(tmp_path, minutes=0.0))
    kept = checkpoint.newest(tmp_path).checkpoint
    assert kept is not None
    assert kept.step >= 1


def test_pieces_give_the_gradient_of_the_whole() -> None:
    whole, pieces = (run(tiny.config(run__accumulate=n, model__dropout=0.0)) for n in (1, 3))
    for name in ("train_loss", "gradient_norm"):
        np.testing.assert_allclose(whole.history.rows()[name], pieces.history.rows()[name], rtol=2e-5)


def test_z_loss_is_in_the_gradient_not_in_the_loss() -> None:
    plain, with_it = (run(tiny.config(optimiser__z_loss=z, model__dropout=0.0)).history.rows() for z in (0.0, 0.1))
    assert plain["train_loss"][0] == with_it["train_loss"][0]
    assert plain["gradient_norm"][0] != with_it["gradient_norm"][0]


def test_early_ends() -> None:
    patient = run(tiny.config(run__steps=99, run__evaluate_every=3, run__patience=2, schedule__kind="constant"))
    _, losses = patient.history.looked_at("validation")
    assert patient.stopped == "2 evaluations without a lower validation loss"
    assert losses.argmin() == len(losses) - 3
    reached = run(tiny.config(run__steps=99, run__evaluate_every=1, run__target=4.2, schedule__kind="constant"))
    _, losses = reached.history.looked_at("validation")
    assert losses[-1] <= 4.2 < losses[-2]


def test_bfloat16_stays_close_and_weights_stay_float32() -> None:
    config = tiny.config(run__precision="bfloat16", model__dropout=0.0)
    rounded, exact = run(config), run(tiny.config(model__dropout=0.0))
    assert rounded.precision == "bfloat16"
    assert {weight.dtype for weight in rounded.model.parameters()} == {torch.float32}
    difference = rounded.history.rows()["train_loss"] - exact.history.rows()["train_loss"]
    assert 0 < np.abs(difference).max() < 0.05


def test_compiled_it_is_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced and differentiated as for compilation; only machine code is left out, for it wants a compiler."""
    compiled = torch.compile
    monkeypatch.setattr(torch, "compile", lambda module: compiled(module, backend="aot_eager"))
    plain, traced = (
        run(tiny.config(run__compile=c, run__steps=2, model__layers=1, model__dropout=0.0)) for c in (False, True)
    )
    np.testing.assert_allclose(plain.history.rows()["train_loss"], traced.history.rows()["train_loss"], rtol=1e-5)


def test_an_openelm_trains_on_chunks(tmp_path: Path) -> None:
    from beyond_scaling.corpora.token_file import writing_tokens

    text = np.tile(np.arange(40, dtype=np.uint16), 60)
    with writing_tokens(tmp_path / "tokens", 64) as writer:
        writer.append(text)
        writer.describe(text={"rules": "plain"}, tokenizer="none", inputs=[])
    config = tiny.config(
        model__kind="openelm", model__width=32, model__layers=2, model__head_dim=8,
        data__kind="tokens", data__path=str(tmp_path / "tokens"), data__context=16, data__held_out=4,
        run__steps=150, run__evaluate_every=50, optimiser__learning_rate=1e-2,
    )  # fmt: skip
    trained = run(config)
    _, losses = trained.history.looked_at("validation")
    assert losses[-1] < 0.2  # each token is followed by one alone


def test_evaluation_does_not_depend_on_how_many_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny.config(run__steps=2)
    trained, chosen = run(config), build(config).sets["validation"]
    whole = evaluate(trained.model, chosen, torch.device("cpu"))
    monkeypatch.setattr(loop, "EVALUATED_AT_ONCE", 1)
    assert evaluate(trained.model, chosen, torch.device("cpu")) == pytest.approx(whole, rel=1e-6)


def test_too_small_a_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"run\.batch is 5, expected at least 6"):
        run(tiny.config(run__accumulate=6))
