"""The memory playground: images chosen, drawn, spoilt and stored by mouse, touch and keys; networks at work in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page

from beyond_scaling import hopfield as zoo
from beyond_scaling.hopfield.digits import digits
from beyond_scaling.widgets import MemoryPlayground
from beyond_scaling.widgets.images import code, decode
from beyond_scaling.widgets.memory_playground import NETWORKS

from .widget_page import centre, errors, get, module, put, readout, repaint_times, settle, show, summary

LIGHT = ["hebb", "modern", "predictive"]


def networks(page: Page) -> dict[str, Any]:
    return summary(page)["networks"]


def wait(page: Page, condition: str) -> None:
    page.wait_for_function(f"() => {{ const s = window.model.get('summary'); return s.networks && ({condition}); }}")


def played(page: Page, widget: Locator) -> dict[str, Any]:
    """Everything to the end, at once."""
    widget.get_by_role("button", name="To the end").click()
    wait(page, "Object.values(s.networks).every((n) => n.outcome !== 'moving')")
    settle(page)
    return networks(page)


def cell(widget: Locator, row: int, column: int) -> Locator:
    return widget.locator("[role=gridcell]").nth(8 * (row - 1) + column - 1)


def spoken(widget: Locator) -> str:
    widget.page.wait_for_timeout(300)
    return widget.locator(".bs-live").inner_text()


def image_of(widget: Locator, name: str) -> np.ndarray:
    """What a card shows, 64 levels from 0 (paper) to 1 (ink), of a light page."""
    card = widget.locator(".bs-net", has_text=name).locator("canvas").first
    data = card.evaluate("(c) => Array.from(c.getContext('2d').getImageData(0, 0, 8, 8).data)")
    red = np.array(data).reshape(64, 4)[:, 0]
    return (255 - red) / (255 - 0x1C)


@pytest.fixture
def calm(browser: Browser) -> Iterator[Page]:
    """A page whose reader asked for less motion: nothing plays by itself."""
    context = browser.new_context(viewport={"width": 1300, "height": 900}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


# --- images


def test_codes_are_pythons(page: Page) -> None:
    module(page, "pixels.js")
    for image in digits(20):
        assert decode(code(image)) == page.evaluate("(code) => module.decodeImage(code)", code(image)) == image.tolist()
        assert page.evaluate("(image) => module.encodeImage(image)", image.tolist()) == code(image)
    assert decode("0" * 16) == [-1] * 64
    drawn = page.evaluate("module.randomCodes(100, 3)")
    assert len(set(drawn)) == 100
    assert np.mean([decode(each) for each in drawn]) == pytest.approx(0, abs=0.05)


def test_more_noise_flips_the_same_pixels_and_others(page: Page) -> None:
    module(page, "pixels.js")
    image = [1] * 64
    flipped: set[int] = set()
    for noise in (0, 0.1, 0.25, 0.5):
        damage = {"noise": noise, "seed": 5, "painted": [0] * 64, "erased": []}
        query = page.evaluate("([image, damage]) => module.damagedImage(image, damage)", [image, damage])
        now = {k for k in range(64) if query[k] == -1}
        assert len(now) == round(64 * noise)
        assert flipped <= now
        flipped = now
    damage = {"noise": 0.5, "seed": 6, "painted": [-1, 1] + [0] * 62, "erased": [1, 2]}
    query = page.evaluate("([image, damage]) => module.damagedImage(image, damage)", [image, damage])
    assert query[:3] == [-1, 0, 0], "what is erased was painted before"
    assert {k for k in range(64) if query[k] == -1} != flipped, "another seed, other pixels"


OUTCOME = "([x, images, wanted, weights]) => module.outcomeOf(x, images, wanted, weights)"


def test_where_a_network_ended(page: Page) -> None:
    module(page, "outcomes.js")
    rng = np.random.default_rng(2)
    P = rng.choice([-1.0, 1.0], size=(5, 64))

    def outcome(x: np.ndarray, wanted: int | None = 0, weights: list[float] | None = None) -> dict[str, Any]:
        goal = None if wanted is None else P[wanted].tolist()
        return page.evaluate(OUTCOME, [np.asarray(x).tolist(), P.tolist(), goal, weights])

    assert outcome(0.3 * P[0]) == {"kind": "right", "found": 0, "overlap": pytest.approx(1), "among": None}
    other = outcome(P[2] * rng.uniform(0.5, 2, size=64))
    assert (other["kind"], other["found"]) == ("other", 2)
    assert other["overlap"] < 0.5
    assert outcome(P[2], None)["overlap"] == pytest.approx(1), "with the nearest image, if none is wanted"
    assert (outcome(-P[1])["kind"], outcome(-P[1])["found"]) == ("inverse", 1)
    assert outcome(np.sign(P[0] + P[1] + P[3]))["kind"] == "mixture", "Hebb's three-pattern state"
    assert outcome(np.sign(P[0] - P[1] + P[3]))["kind"] == "mixture"
    assert outcome(0.6 * P[1] - 0.4 * P[4])["found"] == 1, "its signs are those of one image"
    assert outcome(P[1] - 0.9 * P[4] + 0.8 * P[2])["kind"] == "mixture"
    blend = outcome(P.mean(axis=0), weights=[0.2] * 5)
    assert (blend["kind"], blend["among"]) == ("mixture", pytest.approx(5))
    assert outcome(rng.choice([-1.0, 1.0], size=64))["kind"] == "spurious"
    assert outcome(0.05 * P[0])["kind"] == "blank"
    assert outcome(np.zeros(64)) == {"kind": "blank", "found": None, "overlap": 0, "among": None}


# --- what is seen, and told


def test_what_is_shown_at_first(page: Page) -> None:
    widget = show(page, MemoryPlayground(noise=0))
    wait(page, "Object.values(s.networks).every((n) => n.energy !== null)")
    assert widget.locator(".bs-net").count() == len(NETWORKS) == 15
    assert widget.locator("[role=option]").count() == 100
    assert widget.get_by_role("option", name="image 4, “3”, stored").get_attribute("aria-selected") == "true"
    assert widget.get_by_role("option", name="image 11, “0”, not stored").count() == 1
    assert summary(page)["query"] == digits(4)[3].tolist()
    assert summary(page)["stored"] == 10
    assert {n["outcome"] for n in networks(page).values()} == {"moving"}
    assert np.abs(image_of(widget, "Modern") - (digits(4)[3] > 0)).max() < 0.01, "every network starts from the query"
    assert "10 images stored" in spoken(widget)
    assert errors(page) == []


def test_networks_end_where_pythons_do(calm: Page) -> None:
    widget = show(calm, MemoryPlayground(stored=30, noise=0.1, seed=4, erased=range(40, 64), beta=0.4, degree=5))
    told = played(calm, widget)
    query, P = np.array(summary(calm)["query"], dtype=float), digits(30)
    assert (query == 0).sum() == 24
    for name, memory in {
        "hebb": zoo.ClassicalHopfield(P), "dense": zoo.DenseMemory(P, 5), "modern": zoo.ModernHopfield(P, 0.4),
        "universal": zoo.UniversalHopfield(P, "manhattan", "softmax", beta=0.4), "distance": zoo.DistanceMemory(P, 0.4),
        "outlier": zoo.OutlierEfficientHopfield(P, 0.4),
    }.items():  # fmt: skip
        found = memory.retrieve(query, tolerance=1e-3)
        end = told[name]
        assert (end["steps"], end["settled"]) == (int(found.steps), bool(found.settled)), name
        assert end["energy"] == pytest.approx(float(memory.energy(found.state)), rel=1e-9), name
        assert (end["outcome"] == "right") == bool((np.sign(found.state) == P[3]).all()), name
        if end["outcome"] == "right":
            assert end["found"] == 3
            card = widget.locator(".bs-net").nth(list(NETWORKS).index(name))
            assert "found it" in card.inner_text()
    assert told["modern"]["outcome"] == "right"
    assert told["hebb"]["outcome"] == "spurious", "digits are too much alike for Hebb's rule"
    right = sum(end["outcome"] == "right" for end in told.values())
    assert (told["predictive"]["outcome"], told["predictive"]["found"]) == ("spurious", None)
    assert "filled in wrongly" in widget.locator(".bs-net", has_text="Predictive").inner_text()
    assert "1 filled it in wrongly" in spoken(widget)
    assert readout(widget) == {"Stored": "30 images", "Settled": "15 of 15", "Found it": f"{right} of 15"}
    assert f"{right} found it" in spoken(widget)
    assert "“3”: " in spoken(widget)
    assert errors(calm) == []


def test_the_theme_turns(calm: Page) -> None:
    widget = show(calm, MemoryPlayground(noise=0, networks=LIGHT))
    tile = widget.locator("[role=option] canvas").nth(3)
    corner = "(c) => Array.from(c.getContext('2d').getImageData(0, 0, 1, 1).data)"
    before = tile.evaluate(corner)
    assert before == [255, 255, 255, 255], "paper in the light"
    calm.evaluate("document.documentElement.dataset.theme = 'dark'")
    settle(calm)
    settle(calm)
    for canvas in (tile, widget.locator(".bs-net-image").first):
        assert canvas.evaluate(corner) == [0x14, 0x18, 0x1E, 255]


def test_overload(calm: Page) -> None:
    """Hebb's rule holds 0.138 n = 8.8 random images of 64 pixels; the modern network has room for all."""
    widget = show(calm, MemoryPlayground(networks=["hebb", "pseudo-inverse", "modern"], noise=0.1, stored=3, target=0))
    widget.get_by_role("button", name="Random images").click()
    put(calm, noise=0.1)
    assert {end["outcome"] for end in played(calm, widget).values()} == {"right"}
    assert get(calm, "stored") == 3
    put(calm, stored=60)
    told = played(calm, widget)
    assert told["hebb"]["outcome"] == "spurious"
    assert told["modern"]["outcome"] == "right"
    put(calm, stored=100)
    told = played(calm, widget)
    assert told["pseudo-inverse"] == {
        "outcome": "none", "found": None, "steps": 0, "settled": False, "overlap": None, "energy": None,
    }  # fmt: skip
    assert "images span everything" in widget.locator(".bs-net", has_text="Pseudo-inverse").inner_text()
    assert told["modern"]["outcome"] == "right"
    assert errors(calm) == []


def test_known_pixels_are_kept(calm: Page) -> None:
    erased = list(range(32, 64))
    widget = show(calm, MemoryPlayground(noise=0, networks=LIGHT, stored=6, erased=erased, clamped=True))
    told = played(calm, widget)
    P, query = digits(6), np.array(summary(calm)["query"], dtype=float)
    for name, memory in {"hebb": zoo.ClassicalHopfield(P), "modern": zoo.ModernHopfield(P, 0.5)}.items():
        found = memory.retrieve(query, known=query != 0, tolerance=1e-3)
        assert told[name]["energy"] == pytest.approx(float(memory.energy(found.state)))
    assert told["predictive"]["outcome"] == "right"
    assert np.abs(image_of(widget, "Hebb")[:32] - (query[:32] > 0)).max() < 0.01


# --- hands


def test_a_brush_goes_over_the_pad(calm: Page) -> None:
    widget = show(calm, MemoryPlayground(noise=0, networks=LIGHT))
    (x0, y0), (x1, _) = centre(cell(widget, 2, 1)), centre(cell(widget, 2, 8))
    calm.mouse.move(x0, y0)
    calm.mouse.down()
    calm.mouse.move(x1, y0, steps=2)  # a fast hand
    calm.mouse.up()
    settle(calm)
    assert get(calm, "erased") == list(range(8, 16))
    assert cell(widget, 2, 3).get_attribute("aria-label") == "row 2, column 3: erased"
    assert summary(calm)["query"][8:16] == [0] * 8
    assert "8 erased" in widget.locator(".bs-easel .bs-plot-title").inner_text()
    widget.get_by_role("radio", name="ink").click()
    cell(widget, 2, 1).click()
    cell(widget, 1, 1).click()
    settle(calm)
    assert get(calm, "erased") == list(range(9, 16))
    assert get(calm, "painted")[:9] == [1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert cell(widget, 1, 1).get_attribute("aria-label") == "row 1, column 1: ink, flipped"
    widget.get_by_role("radio", name="paper").click()
    cell(widget, 1, 1).click()
    settle(calm)
    assert get(calm, "painted")[0] == -1
    assert "flipped" not in cell(widget, 1, 1).get_attribute("aria-label")
    widget.get_by_role("button", name="Mend").click()
    settle(calm)
    assert summary(calm)["query"] == digits(4)[3].tolist()
    assert errors(calm) == []


def test_keys_alone(calm: Page) -> None:
    widget = show(calm, MemoryPlayground(noise=0, networks=LIGHT))
    cell(widget, 1, 1).focus()
    for key in ("ArrowRight", "ArrowDown", "Space", "Shift+ArrowDown", "Shift+ArrowRight", *["ArrowUp"] * 3):
        calm.keyboard.press(key)
    settle(calm)
    assert get(calm, "erased") == [9, 17, 18]
    assert cell(widget, 1, 3).evaluate("(node) => node === document.activeElement"), "it stops at the edge"
    option = widget.get_by_role("option").nth(3)
    option.focus()
    calm.keyboard.press("ArrowRight")
    settle(calm)
    assert get(calm, "target") == 4
    calm.keyboard.press("ArrowDown")
    settle(calm)
    row = get(calm, "target") - 4
    assert row > 8, "a row down"
    calm.keyboard.press("End")
    calm.keyboard.press("Delete")
    settle(calm)
    assert len(get(calm, "patterns")) == 99
    calm.keyboard.press("Home")
    settle(calm)
    assert get(calm, "target") == 0
    widget.get_by_role("button", name="Step").focus()
    calm.keyboard.press("Enter")
    settle(calm)
    assert "step 1" in widget.locator(".bs-net", has_text="Modern").inner_text()
    assert errors(calm) == []


def test_touch(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, reduced_motion="reduce")
    page = context.new_page()
    widget = show(page, MemoryPlayground(noise=0, networks=LIGHT))
    cell(widget, 3, 3).scroll_into_view_if_needed()
    cell(widget, 3, 3).tap()
    settle(page)
    assert get(page, "erased") == [18]
    widget.get_by_role("option").nth(1).tap()
    settle(page)
    assert get(page, "target") == 1
    assert widget.locator(".bs-pad").evaluate("(node) => getComputedStyle(node).touchAction") == "none"
    context.close()


def test_an_image_of_ones_own(calm: Page) -> None:
    widget = show(calm, MemoryPlayground(noise=0, networks=LIGHT, stored=4))
    widget.get_by_role("button", name="Empty sheet").click()
    settle(calm)
    assert (get(calm, "target"), summary(calm)["query"]) == (-1, [-1] * 64)
    for row in range(2, 8):
        cell(widget, row, row).click()
    settle(calm)
    assert sum(summary(calm)["query"]) == -64 + 12, "the brush is ink now"
    widget.get_by_role("button", name="Store it").click()
    settle(calm)
    patterns = get(calm, "patterns")
    assert (get(calm, "stored"), get(calm, "target"), len(patterns)) == (5, 4, 100)
    drawn = -np.ones((8, 8))
    for k in range(1, 7):
        drawn[k, k] = 1
    assert patterns[4] == code(drawn)
    assert widget.get_by_role("button", name="Store it").is_disabled(), "it is stored"
    assert played(calm, widget)["modern"] | {"energy": 0} == {
        "outcome": "right", "found": 4, "steps": 0, "settled": True, "overlap": pytest.approx(1, abs=1e-3), "energy": 0,
    }  # fmt: skip
    # An image of the pool that is not stored joins those that are.
    outside = patterns[20]
    widget.get_by_role("option").nth(20).click()
    settle(calm)
    assert "not stored" in widget.locator(".bs-easel .bs-plot-title").inner_text()
    widget.get_by_role("button", name="Store it").click()
    settle(calm)
    assert (get(calm, "patterns")[5], get(calm, "stored"), get(calm, "target")) == (outside, 6, 5)
    assert len(set(get(calm, "patterns"))) == 100
    widget.get_by_role("button", name="Remove image").click()
    settle(calm)
    assert (get(calm, "stored"), len(get(calm, "patterns"))) == (5, 99)
    widget.get_by_role("button", name="Reset").click()
    settle(calm)
    assert (get(calm, "stored"), get(calm, "patterns")) == (4, [code(image) for image in digits(100)])
    assert errors(calm) == []


def test_the_last_image_stays(calm: Page) -> None:
    widget = show(calm, MemoryPlayground(patterns=digits(2), noise=0, stored=2, target=1, networks=LIGHT))
    widget.get_by_role("button", name="Remove image").click()
    settle(calm)
    assert get(calm, "patterns") == [code(digits(1)[0])]
    assert widget.get_by_role("button", name="Remove image").is_disabled()
    widget.get_by_role("option").first.focus()
    calm.keyboard.press("Delete")
    settle(calm)
    assert len(get(calm, "patterns")) == 1
    assert played(calm, widget)["hebb"]["outcome"] == "right"
    assert errors(calm) == []


# --- time


def test_it_plays_once_the_hand_rests(page: Page) -> None:
    widget = show(page, MemoryPlayground(noise=0, networks=["hebb", "modern", "transformer"]))
    heights = widget.evaluate("(root) => root.getBoundingClientRect().height")
    page.wait_for_timeout(700)
    assert all(n["steps"] == 0 for n in networks(page).values()), "not before the reader has touched it"
    cell(widget, 4, 4).click()
    wait(page, "Object.values(s.networks).every((n) => n.outcome !== 'moving')")
    assert networks(page)["modern"]["outcome"] == "right"
    assert widget.evaluate("(root) => root.getBoundingClientRect().height") == pytest.approx(heights, abs=1)
    widget.get_by_role("button", name="Back to the query").click()
    settle(page)
    widget.get_by_role("button", name="Play").click()
    page.wait_for_timeout(400)
    widget.get_by_role("button", name="Pause").click()
    settle(page)
    words = widget.locator(".bs-net", has_text="Energy Transformer").inner_text()
    page.wait_for_timeout(400)
    assert widget.locator(".bs-net", has_text="Energy Transformer").inner_text() == words, "paused"
    assert "step" in words
    assert errors(page) == []


def test_less_motion_waits_to_be_asked(calm: Page) -> None:
    widget = show(calm, MemoryPlayground(noise=0, networks=LIGHT))
    cell(widget, 4, 4).click()
    calm.wait_for_timeout(700)
    assert "ready" in widget.locator(".bs-net", has_text="Modern").inner_text()
    widget.get_by_role("button", name="Play").click()
    settle(calm)
    assert networks(calm)["modern"]["outcome"] == "right", "at once"


def test_guess_first(page: Page) -> None:
    widget = show(page, MemoryPlayground(networks=LIGHT, stored=20, noise=0.125, predict=True))
    cell(widget, 4, 4).click()
    page.wait_for_timeout(700)
    assert all(n["outcome"] == "moving" for n in networks(page).values()), "nothing plays before the guess"
    guess = widget.get_by_role("button", name="Modern will find it")
    guess.click()
    settle(page)
    assert get(page, "guesses") == ["modern"]
    assert guess.get_attribute("aria-pressed") == "true"
    assert readout(widget)["Found it"] == "?"
    widget.get_by_role("button", name="Play").click()
    wait(page, "Object.values(s.networks).every((n) => n.outcome !== 'moving')")
    settle(page)
    assert networks(page)["modern"]["outcome"] == "right"
    hits = sum((name == "modern") == (end["outcome"] == "right") for name, end in networks(page).items())
    assert f"You were right about {hits}." in spoken(widget)
    assert "you ✓" in widget.locator(".bs-net", has_text="Modern").inner_text()
    assert guess.is_hidden()
    put(page, seed=1)
    assert guess.is_visible(), "a new question, a new guess"
    assert errors(page) == []


def test_python_chooses_and_the_widget_follows(calm: Page) -> None:
    widget = show(calm, MemoryPlayground(noise=0, networks=LIGHT))
    put(calm, networks=["dense", "sparse"], degree=7, beta=0.2, stored=12, target=5, noise=0.25)
    assert widget.locator(".bs-net-name").all_inner_texts() == ["Dense, r = 7", "Sparsemax"]
    told = played(calm, widget)
    assert list(told) == ["dense", "sparse"]
    P, query = digits(12), np.array(summary(calm)["query"], dtype=float)
    assert (query != P[5]).sum() == 16
    assert told["sparse"]["energy"] == pytest.approx(
        float(zoo.SparseHopfield(P, 0.2).energy(zoo.SparseHopfield(P, 0.2).retrieve(query).state)), abs=1e-6
    )
    put(calm, patterns=[code(image) for image in digits(3)])
    assert summary(calm)["stored"] == 3
    assert summary(calm)["target"] == 2
    widget.get_by_text("Which networks", exact=True).click()
    widget.get_by_label("Hebb", exact=True).check()
    widget.get_by_label("Dense", exact=True).uncheck()
    settle(calm)
    assert get(calm, "networks") == ["hebb", "sparse"]
    widget.get_by_label("Hebb", exact=True).uncheck()
    widget.get_by_label("Sparsemax", exact=True).click()
    settle(calm)
    assert get(calm, "networks") == ["sparse"], "one stays"
    assert widget.get_by_label("Sparsemax", exact=True).is_checked()
    assert errors(calm) == []


FRAMES = """() => new Promise((done) => {
  const times = [];
  const next = (now) => { times.push(now); if (now - times[0] < 1200) requestAnimationFrame(next); else done(times); };
  requestAnimationFrame(next);
})"""


def tail(page: Page, least: int) -> float:
    """Milliseconds of work in which 95 of 100 frames since the last call were done."""
    work = np.sort(repaint_times(page))
    assert len(work) >= least
    return float(work[int(0.95 * len(work))])


def play(page: Page, widget: Locator) -> tuple[float, float]:
    """Play from the query: the mean time between frames, and the tail of their work."""
    widget.get_by_role("button", name="Back to the query").click()
    repaint_times(page)
    widget.get_by_role("button", name="Play").click()
    return float(np.mean(np.diff(page.evaluate(FRAMES)))), tail(page, least=50)


def brush(page: Page, widget: Locator) -> float:
    x, y = centre(widget.locator(".bs-pad"))
    repaint_times(page)
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(60):
        page.mouse.move(x + 70 * np.sin(k / 7), y + 70 * np.cos(k / 5))
    page.mouse.up()
    return tail(page, least=20)


@pytest.mark.alone
def test_sixty_frames_a_second_with_a_hundred_images(page: Page) -> None:
    widget = show(page, MemoryPlayground(stored=100, noise=0.2, beta=0.1))
    wait(page, "Object.values(s.networks).every((n) => n.energy !== null)")
    rounds = [play(page, widget) for _ in range(3)]
    assert min(gap for gap, _ in rounds) < 18, rounds
    assert min(work for _, work in rounds) < 12, rounds
    strokes = [brush(page, widget) for _ in range(3)]
    assert min(strokes) < 12, strokes
    assert errors(page) == []
