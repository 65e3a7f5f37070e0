"""Two predictions side by side."""

from __future__ import annotations

import math

import pytest

from beyond_scaling.corpora.grammar_entropy import entropy, memorised_floor
from beyond_scaling.corpora.grammar_predictions import predictions
from beyond_scaling.corpora.question_formation import generate
from beyond_scaling.corpora.variant import Variant

VARIANTS = [Variant(), Variant("sentence"), Variant("answer"), Variant(nouns=2), Variant(units="characters"),
            Variant(order="shuffled")]  # fmt: skip


def test_one_row_for_each_variant():
    rows = predictions(VARIANTS)
    assert [row.variant for row in rows] == VARIANTS
    assert [row.paper for row in rows] == [1.0] * 6
    assert [row.entropy for row in rows] == [entropy(variant=variant).per_target for variant in VARIANTS]
    assert all(row.entropy < row.uniform for row in rows)
    assert rows[0].uniform == pytest.approx(math.log(69))  # 68 words and the end
    # One paper, one number; six kinds of lines, six numbers on both sides of it.
    assert len({round(row.entropy, 2) for row in rows}) == 6
    assert min(row.entropy for row in rows) == 0
    assert max(row.entropy for row in rows) > 1.9


def test_lines_learnt_by_heart():
    rows = predictions([Variant()], memorised=(100, 400), weighting="released")
    assert [row.name for row in rows] == ["line", "line, 100 by heart", "line, 400 by heart"]
    for row, count in zip(rows[1:], (100, 400), strict=True):
        lines = generate(count, 0, weighting="released", distinct=True)
        assert row.entropy == memorised_floor(lines)
    assert rows[1].entropy < rows[2].entropy < rows[0].entropy


def test_no_such_weighting():
    with pytest.raises(ValueError, match="weighting is 'own'"):
        predictions([Variant()], weighting="own")
