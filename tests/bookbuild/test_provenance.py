"""How several records were measured: what they share once, then what each has of its own."""

from __future__ import annotations

from beyond_scaling.bookbuild.provenance import shared_rows

from ..test_results import make

PARAMETERS = {"model": "someone/model", "width": 64, "run.seed": 0}


def test_what_records_share_is_told_once() -> None:
    one = make(name="toy-0", parameters=PARAMETERS, seed=0, command="toy --seed 0")
    two = make(name="toy-1", parameters=PARAMETERS | {"run.seed": 1}, seed=1, command="toy --seed 1")
    rows = shared_rows([one, two])
    shared = dict(rows)
    assert shared["Parameters"] == "model someone/model, width 64"
    assert shared["Code"] == dict(one.provenance())["Code"]
    assert {"Command", "Seed"}.isdisjoint(shared)
    assert shared["toy-0"] == "Command toy --seed 0; Seed 0; run.seed 0"
    assert shared["toy-1"] == "Command toy --seed 1; Seed 1; run.seed 1"
    said = " ".join(text for _, text in rows)
    for _, text in one.provenance():  # nothing is lost
        assert all(part in said for part in text.split(", "))


def test_one_record_is_told_as_it_is() -> None:
    assert shared_rows([make()]) == make().provenance()
