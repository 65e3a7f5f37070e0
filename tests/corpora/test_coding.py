"""Lines as numbers and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond_scaling.corpora.coding import END, IGNORED, PAD, START, Coding
from beyond_scaling.corpora.question_formation import generate
from beyond_scaling.corpora.variant import Variant

LINE = "the walrus doesn't move . quest\tdoesn't the walrus move ?"
VARIANTS = st.builds(
    Variant,
    part=st.sampled_from(["line", "sentence", "output", "question", "answer"]),
    nouns=st.integers(1, 4),
    units=st.sampled_from(["words", "characters"]),
    order=st.sampled_from(["grammar", "shuffled"]),
)


@given(VARIANTS, st.integers(0, 10**6), st.sampled_from(["train", "gen"]))
def test_round_trip(variant, seed, split):
    coding = Coding(variant)
    for line in generate(3, seed, split, variant=variant):
        numbers = coding.encode(line)
        assert coding.decode(numbers) == line
        assert coding.decode([*numbers, PAD, PAD]) == line
        assert numbers[0] == START
        assert numbers[-1] == END
        assert numbers[1:-1].min() > END
        assert numbers.max() < coding.rows
        assert coding.counted(line) == (coding.example(line)[1] != IGNORED).sum()


def test_71_rows():
    coding = Coding()
    assert coding.rows == 71
    assert coding.symbols[:3] == ("<pad>", "<start>", "<end>")
    assert list(coding.symbols[3:]) == sorted(Variant().vocabulary)


@pytest.mark.parametrize(
    ("variant", "rows"),
    [
        (Variant("sentence"), 68),  # 65 words
        (Variant("output"), 69),
        (Variant("question"), 68),
        (Variant(nouns=2), 97),
        (Variant(units="characters"), 33),  # 26 letters but j, the space, . ? ' _ and the three special ones
    ],
)
def test_rows_of_variants(variant, rows):
    """Each vocabulary is what its lines have, no word more."""
    coding = Coding(variant)
    seen = {number for line in generate(3000, 0, variant=variant) for number in coding.encode(line).tolist()}
    assert seen == set(range(1, coding.rows))
    assert coding.rows == rows


def test_an_example_reads_all_but_the_end_and_predicts_all_but_the_start():
    inputs, targets = Coding().example(LINE)
    numbers = Coding().encode(LINE)
    assert inputs.tolist() == numbers[:-1].tolist()
    assert targets.tolist() == numbers[1:].tolist()
    assert inputs.dtype == targets.dtype == np.int64
    assert len(targets) == Coding().counted(LINE) == 12


def test_an_answer_counts_from_the_task_on():
    words = Coding(Variant("answer"))
    inputs, targets = words.example(LINE)
    assert inputs.tolist() == words.encode(LINE)[:-1].tolist()
    assert [words.symbols[number] for number in targets if number != IGNORED] == [
        "doesn't", "the", "walrus", "move", "?", "<end>",
    ]  # fmt: skip
    letters = Coding(Variant("answer", units="characters"))
    counted = [letters.symbols[number] for number in letters.example(LINE)[1] if number != IGNORED]
    assert counted == [*"doesn't the walrus move ?", "<end>"]


def test_a_batch_is_padded_on_the_right():
    coding = Coding()
    lines = [LINE, "my yaks do sleep . decl\tmy yaks do sleep .", "our newt near her raven does eat . quest\tdoes our "
             "newt near her raven eat ?"]
    inputs, targets = coding.batch(lines)
    assert inputs.shape == targets.shape == (3, 18)
    for row, line in enumerate(lines):
        read, predicted = coding.example(line)
        assert inputs[row].tolist() == read.tolist() + [PAD] * (18 - len(read))
        assert targets[row].tolist() == predicted.tolist() + [IGNORED] * (18 - len(predicted))


def test_what_no_line_is():
    coding = Coding()
    with pytest.raises(ValueError, match="'wombat' is not in the vocabulary of 71"):
        coding.encode("the wombat does sleep .")
    with pytest.raises(ValueError, match="'' is not in the vocabulary"):
        coding.encode("the  yak")
    with pytest.raises(ValueError, match=r"expected 1 \(start\) first and 2 \(end\) last"):
        coding.decode([5, 6, END])
    with pytest.raises(ValueError, match="number 71 is no token of a line, expected 3 "):
        coding.decode([START, 71, END])
    with pytest.raises(ValueError, match="number 0 is no token"):
        coding.decode([START, PAD, 5, END])
    with pytest.raises(ValueError, match="no tab"):
        Coding(Variant("answer")).example("my yaks do sleep .")
    with pytest.raises(ValueError, match="lines is empty"):
        coding.batch([])


@pytest.mark.parametrize(
    ("field", "value"), [("part", "half"), ("units", "bytes"), ("order", "random"), ("nouns", 9), ("nouns", 2.0)]
)
def test_no_such_variant(field, value):
    with pytest.raises(ValueError, match=f"{field} is {value!r}, expected"):
        Variant(**{field: value})


def test_names_of_variants():
    assert str(Variant()) == "line"
    assert str(Variant("sentence", 2, "characters", "shuffled")) == "sentence, 2x nouns, characters, shuffled"
