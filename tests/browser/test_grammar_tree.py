"""GrammarTree in a real browser: its numbers against corpora/, its switches, and what does not move."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any

import pytest
import traitlets
from playwright.sync_api import Locator, Page, expect

from beyond_scaling.corpora.grammar import words
from beyond_scaling.corpora.grammar_entropy import entropy, memorised_floor
from beyond_scaling.corpora.grammar_profile import next_tokens, profile
from beyond_scaling.corpora.sentence_forms import sentence_forms
from beyond_scaling.corpora.variant import Variant
from beyond_scaling.widgets import GrammarTree

from .widget_page import drag, errors, get, module, put, readout, repaint_times, settle, show, summary

PARTS = ("line", "sentence", "question", "answer")
# Of a language: its numbers, and some of its lines with the cost of every token.
READ = """([grammar, categories, weights, part, seeds]) => {
  const { END, cost, language, spell } = window.module;
  const lines = language({ grammar, categories, weights, part });
  return {
    nats: lines.nats, words: lines.targets("words", true), characters: lines.targets("characters", true),
    lines: seeds.map((seed) => {
      const { words } = lines.draw(seed);
      const steps = lines.read(words);
      return {
        text: words.join(" "), words: [...words, END].map((word, k) => cost(steps[k], word)),
        characters: words.flatMap((word, k) => spell(steps[k], word, k === words.length - 1)),
      };
    }),
  };
}"""


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-12, abs=1e-12)


def places(widget: Locator) -> list[int]:
    """Where whatever can be pressed stands."""
    controls = widget.locator(":is(button, input):visible")
    return controls.evaluate_all("(all) => all.map((node) => Math.round(node.getBoundingClientRect().top + scrollY))")


def text_of(words: str) -> str:
    """The words of a line with the tab that the data have after the task."""
    for task in ("quest", "decl"):
        words = words.replace(f" {task} ", f" {task}\t")
    return words


def arguments(weighting: str, part: str, nouns: int, split: str = "train") -> list[Any]:
    widget = GrammarTree(split=split)
    grammar = {"productions": widget.productions, "tasks": widget.tasks}
    return [grammar, {c: list(w) for c, w in words(nouns).items()}, widget.weights[weighting], part]


# --- the mathematics


def test_forms_are_pythons_in_the_same_order(page: Page) -> None:
    module(page, "grammar.js")
    found = page.evaluate(
        "(g) => window.module.derivations(g.productions).map(window.module.leaves)", arguments("uniform", "line", 1)[0]
    )
    assert [tuple(form) for form in found] == [form.categories for form in sentence_forms()]


@pytest.mark.parametrize("part", PARTS)
def test_every_variant_has_pythons_entropy(page: Page, part: str) -> None:
    module(page, "grammar.js")
    for weighting, nouns, split in (("uniform", 1, "train"), ("released", 4, "train"), ("released", 1, "test")):
        told = page.evaluate(READ, [*arguments(weighting, part, nouns, split), [0, 2, 9]])
        for units in ("words", "characters"):
            variant = Variant(part=part, nouns=nouns, units=units)
            exact = entropy(split, weighting, variant)
            assert told["nats"] == near(exact.nats)
            assert told[units] == near(exact.targets)
            for line in told["lines"]:
                expected = profile(text_of(line["text"]), split, weighting, variant)
                # Of characters the browser leaves out the end, which costs nothing.
                assert len(line[units]) == len(expected) - (units == "characters")
                for seen, known in zip(line[units], expected, strict=False):
                    assert (seen["entropy"], seen["surprisal"]) == (near(known.entropy), near(known.surprisal))
                assert expected[-1].surprisal == 0


def test_lines_are_drawn_with_the_languages_frequencies(page: Page) -> None:
    module(page, "grammar.js")
    # The mean of -log p over the lines drawn is the entropy, within four standard errors.
    mean, error, first = page.evaluate(
        """([grammar, categories, weights, part]) => {
      const { END, cost, language } = window.module;
      const lines = language({ grammar, categories, weights, part });
      const told = Array.from({ length: 1500 }, (_, seed) => lines.draw(seed).words);
      const nats = told.map((words) => {
        const steps = lines.read(words);
        return [...words, END].reduce((sum, word, k) => sum + cost(steps[k], word).surprisal, 0);
      });
      const mean = nats.reduce((a, b) => a + b) / nats.length;
      const spread = nats.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (nats.length - 1);
      return [mean, Math.sqrt(spread / nats.length), told.map((words) => words[0])];
    }""",
        arguments("uniform", "line", 1),
    )
    assert mean == pytest.approx(entropy().nats, abs=4 * error)
    assert error < 0.2
    often = Counter(first)
    assert set(often) == set(words()["Det"])
    assert all(count == pytest.approx(250, abs=4 * math.sqrt(1500 * 5 / 36)) for count in often.values())


def test_a_number_has_one_sentence_in_every_part(page: Page) -> None:
    show(page, GrammarTree(seed=2))
    line = summary(page)["line"]
    sentence, output = line.split(" quest ")
    assert put(page, part="sentence")["line"] == sentence
    assert put(page, part="question")["line"] == output
    assert put(page, part="answer")["line"] == line
    assert put(page, part="line", nouns=4)["line"].split(" ")[-1] == "?"
    assert put(page, nouns=1)["line"] == line
    assert sorted(output[:-2].split()) == sorted(sentence[:-2].split())


@pytest.mark.parametrize(
    ("part", "units"), [("line", "words"), ("sentence", "characters"), ("question", "words"), ("answer", "characters")]
)
def test_memorised_lines_cost_their_logarithm(page: Page, part: str, units: str) -> None:
    m = 300
    module(page, "grammar.js")
    # The first m different lines, one by one, and the table that the widget keeps.
    told, line, counts, targets = page.evaluate(
        """([grammar, categories, weights, part, m, units]) => {
      const { END, language, memory } = window.module;
      const lines = language({ grammar, categories, weights, part });
      const told = new Set();
      for (let seed = 0; told.size < m; seed += 1) told.add(lines.draw(seed).words.join(" "));
      const { words, form } = lines.draw(1);
      const { steps, targets } = memory(lines).read(words, m, form.given);
      return [[...told], words, steps.map((options) => [...options]), targets(units, true)];
    }""",
        [*arguments("uniform", part, 1), m, units],
    )
    for place, found in enumerate(counts):
        alike = [one.split(" ") for one in told if one.split(" ")[:place] == line[:place]]
        assert dict(found) == Counter(one[place] if place < len(one) else "<end>" for one in alike)
    variant = Variant(part=part, units=units)
    nats = 0 if part == "answer" else math.log(m)
    assert memorised_floor([text_of(one) for one in told], variant) == near(nats / targets)
    # In the widget: whichever line, the same cost.
    show(page, GrammarTree(part=part, units=units, memorised=m, seed=1))
    for seed in (1, 5, 10**6):  # the last is none of them, and takes a place
        found = put(page, seed=seed)
        assert found["line_nats"] == pytest.approx(nats, abs=1e-12)
        assert found["nats"] == near(nats)
    assert put(page, seed=1)["targets"] == near(targets)
    assert errors(page) == []


# --- the widget


def test_the_papers_bar_stands_still(page: Page) -> None:
    widget = show(page, GrammarTree(), width=780)
    page.emulate_media(reduced_motion="reduce")
    plot = widget.get_by_role("group", name="What the paper and what the entropy predict")
    paper, own, _ = (plot.locator("rect.bs-glide").nth(k) for k in range(3))

    def widths() -> tuple[float, float]:
        settle(page)
        return tuple(float(bar.evaluate("(bar) => bar.getBoundingClientRect().width")) for bar in (paper, own))

    unit, first = widths()
    assert first / unit == pytest.approx(entropy().per_target, abs=2e-3)
    for name, part in (("sentence only", "sentence"), ("question only", "question"), ("output, given", "answer")):
        widget.get_by_role("radio", name=name).click()
        expected = entropy(variant=Variant(part=part)).per_target
        stays, moves = widths()
        assert stays == unit
        assert moves == pytest.approx(max(expected * unit, 1.5), abs=0.5)
        assert readout(widget)["entropy predicts"] == f"{expected:.4f}"
        assert readout(widget)["the paper predicts"] == "1"
    assert errors(page) == []


def test_every_switch_by_keyboard(page: Page) -> None:
    widget = show(page, GrammarTree())
    expect(widget.locator(".bs-live")).to_contain_text("A new line costs 20.31 nats over 20.6 targets")
    for name, key, trait, value in (
        ("whole line", "ArrowRight", "part", "sentence"),
        ("word", "ArrowRight", "units", "characters"),
        ("13", "ArrowLeft", "nouns", 4),
        ("the grammar’s", "ArrowDown", "weighting", "released"),
    ):
        widget.get_by_role("radio", name=name, exact=True).press(key)
        settle(page)
        assert get(page, trait) == value
    variant = Variant(part="sentence", units="characters", nouns=4)
    exact = entropy("train", "released", variant)
    assert summary(page)["predicted"] == near(exact.per_target)
    widget.get_by_label("Count the line’s end").press("Space")
    settle(page)
    assert summary(page)["predicted"] == near(exact.nats / (exact.targets - 1))
    assert summary(page)["tokens"] == list(summary(page)["line"])
    slider = widget.get_by_label("Lines memorised")
    slider.press("End")
    page.wait_for_function("Math.abs(model.get('summary').nats - Math.log(1e5)) < 1e-12")
    slider.press("Home")
    settle(page)
    assert (get(page, "memorised"), slider.get_attribute("aria-valuetext")) == (0, "none")
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    settle(page)
    assert get(page, "memorised") == 100
    page.wait_for_function("window.model.saved.some((sent) => sent.memorised === 100)")
    expect(widget.locator(".bs-live")).to_contain_text("One of 100 memorised sentences costs 4.61 nats")
    assert errors(page) == []


def test_another_line_and_back(page: Page) -> None:
    widget = show(page, GrammarTree(seed=0))
    seen = [summary(page)["line"]]
    before = widget.get_by_role("button", name="Line before")
    expect(before).to_be_disabled()
    for _ in range(3):
        widget.get_by_role("button", name="Another line").press("Enter")
        settle(page)
        seen.append(summary(page)["line"])
    assert len(set(seen)) == 4
    for line in reversed(seen[:-1]):
        before.click()
        settle(page)
        assert summary(page)["line"] == line
    # The same number in another page is the same line.
    show(page, GrammarTree(seed=3))
    assert summary(page)["line"] == seen[3]


def test_what_could_stand_at_a_word(page: Page) -> None:
    widget = show(page, GrammarTree(seed=2), width=780)
    told = summary(page)["line"].split(" ")
    panel, slider = widget.locator(".bs-choice"), widget.get_by_role("slider", name="Word")
    assert get(page, "position") == 2
    for place in (2, 3, len(told)):
        page.evaluate("(place) => model.set('position', place)", place)
        settle(page)
        expected = next_tokens(" ".join(told[:place]))
        shares = Counter()
        for word, chance in expected.items():
            shares[next((c for c, listed in words().items() if word in listed), "end")] += 100 * chance
        shown = [float(share.rstrip("%")) for share in panel.locator(".bs-share").all_inner_texts()]
        assert shown == pytest.approx(sorted(shares.values(), reverse=True), abs=0.051)
        assert slider.get_attribute("aria-valuetext") == f"{place + 1} of {len(told) + 1}"
    # By a click on a row, on a word of the output, and with the arrow keys.
    board = widget.get_by_role("group", name="The derivation")
    board.locator("text", has_text="remember").click()
    settle(page)
    assert get(page, "position") == told.index("remember")
    widget.locator(".bs-chip", has_text="end").click()
    settle(page)
    assert get(page, "position") == len(told)
    expect(panel).to_contain_text("Only this, so it costs nothing.")
    expect(panel).to_contain_text(f"So far {summary(page)['line_nats']:.2f} nats in {len(told) + 1} targets.")
    slider.press("ArrowLeft")
    settle(page)
    assert get(page, "position") == len(told) - 1
    # A shorter line has no such word.
    found = put(page, seed=3, position=40)
    assert len(found["line"].split()) < len(told)
    expect(panel).to_contain_text("end of the line")
    assert errors(page) == []


def test_letters_stand_in_place_of_words(page: Page) -> None:
    widget = show(page, GrammarTree(seed=2, units="characters"), width=780)
    board = widget.get_by_role("group", name="The derivation")
    told = summary(page)["line"]
    letters = board.locator("text.bs-letter").all_text_contents()
    assert "".join(letters) == told[: told.index(" quest ") + 7].replace(" ", "␣")
    put(page, units="words")
    rows = board.locator("text.bs-word").all_text_contents()
    assert rows == told.split(" ")[: told.split(" ").index("quest") + 1]
    # At 390 px too all of it is there.
    page.evaluate("document.getElementById('widget').style.width = '358px'")
    settle(page)
    assert board.locator("text.bs-word").all_text_contents() == rows


def test_the_entropies_show_after_the_guess(page: Page) -> None:
    widget = show(page, GrammarTree(predict=True), width=780)
    hidden = ("entropy predicts", "nats per line", "this line, nats", "this line, per target")
    assert [readout(widget)[name] for name in hidden] == ["?"] * 4
    text = widget.inner_text()
    assert "0.98" not in text
    assert "Predict: how many" in text
    board = widget.get_by_role("group", name="The derivation")
    assert board.locator("circle").count() == 0
    guess = widget.get_by_role("button", name="Your guess")
    drag(page, guess, 120)
    assert 1.3 < get(page, "guess") < 2
    guess.press("Shift+ArrowLeft")
    widget.get_by_role("button", name="Another line").click()
    settle(page)
    assert readout(widget)["entropy predicts"] == "?", "a guess is free, and so is another line"
    before = places(widget)
    widget.get_by_role("button", name="Show the entropies").click()
    settle(page)
    assert readout(widget)["entropy predicts"] == "0.9869"
    assert board.locator("circle").count() > 0
    assert places(widget) == before
    expect(widget.locator(".bs-live")).to_contain_text(f"You guessed {get(page, 'guess'):.2f}")
    # Asked anew it hides them again; a switch is an answer too.
    page.evaluate("model.set('predict', false); model.set('predict', true)")
    settle(page)
    assert readout(widget)["entropy predicts"] == "?"
    put(page, part="sentence")
    assert readout(widget)["entropy predicts"] == "1.9199"
    assert errors(page) == []


def test_the_room_does_not_change(page: Page) -> None:
    """Nothing jumps from under a finger, whatever the line or variant."""
    widget = show(page, GrammarTree(), width=780)
    for width in (780, 358):
        page.evaluate("(width) => { document.getElementById('widget').style.width = `${width}px`; }", width)
        settle(page)
        kept = set()
        usual = {"part": "line", "units": "words", "nouns": 1, "memorised": 0, "seed": 2, "position": 2}
        changed = ({}, {"units": "characters"}, {"memorised": 1000}, {"part": "sentence"}, {"seed": 0}, {"seed": 3})
        for changes in changed:
            put(page, **usual | changes)
            kept.add(tuple(places(widget)))
        assert len(kept) == 1


@pytest.mark.alone
def test_a_drag_is_drawn_in_time(page: Page) -> None:
    widget = show(page, GrammarTree(memorised=10**5), width=780)
    page.wait_for_function("'nats' in model.get('summary')")
    repaint_times(page)
    drag(page, widget.get_by_label("Lines memorised"), -80, steps=20)
    times = sorted(repaint_times(page))
    assert times[len(times) // 2] < 16


# --- the Python class


def test_state_prints_alike() -> None:
    assert repr(GrammarTree(part="answer", nouns=2)) == (
        "GrammarTree(part='answer', units='words', nouns=2, weighting='uniform', memorised=0, end=True, seed=2)"
    )


def test_weights_are_those_of_the_split() -> None:
    for split, weighting in itertools.product(("train", "test"), ("uniform", "released")):
        weights = GrammarTree(split=split).weights[weighting]
        assert sum(map(sum, weights.values())) == pytest.approx(1)
        assert all(p == 0 for p, form in zip(weights["quest"], sentence_forms(), strict=True) if form.subject == "RC")
    assert GrammarTree(split="test").weights["released"] != GrammarTree().weights["released"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"split": "gen"}, "split: expected one of 'train', 'dev', 'test', got 'gen'"),
        ({"part": "half"}, "part"),
        ({"units": "bytes"}, "units"),
        ({"nouns": 5}, "nouns is 5; expected a whole number from 1 to 4"),
        ({"memorised": -1}, "memorised is -1; expected a whole number from 0 to 100000"),
        ({"seed": 0.5}, "seed is 0.5; expected a whole number"),
        ({"guess": math.nan}, "guess is nan; expected a number from 0 to 3"),
    ],
)
def test_bad_arguments_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, traitlets.TraitError), match=message):
        GrammarTree(**given)
