"""The Bands and bifurcation widgets in a real browser: their numbers, their words, every way to move them."""

from __future__ import annotations

import functools
import json
import math
import statistics
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from beyond_scaling.widgets.bands import Bands
from beyond_scaling.widgets.base import BookWidget
from beyond_scaling.widgets.bifurcations import SeparationThreshold, Triangle, TwoWells

from .widget_page import centre, drag, errors, get, put, readout, repaint_times, settle, show, summary, words

GOLDEN = json.loads((Path(__file__).parents[1] / "golden.json").read_text(encoding="utf-8"))
CONVEXITY = GOLDEN["convexity"]
GHOST_SIDES = [CONVEXITY["triangle_ghost"][name] for name in ("side_lower", "side_upper")]
LINE = [-2.0, 0.0, 1.0]
PLANE = [[-2.0, -0.5], [0.2, -0.3], [1.5, 1.5]]
RING = [[2 * math.cos(k), 1.5 * math.sin(1.7 * k)] for k in range(20)]
EVERY = {
    "bands-1": lambda: Bands(proposition=1),
    "bands-2": lambda: Bands(proposition=2, point=[3, -6]),
    "bands-3": lambda: Bands(proposition=3, point=[0.2, -0.3]),
    "bands-line": lambda: Bands(proposition=3, patterns=LINE, point=6),
    "two-wells": TwoWells,
    "two-wells-mchn": lambda: TwoWells(energy="MCHN", beta=1.0, distance=1.6),
    "triangle": Triangle,
    "separation": SeparationThreshold,
}


# --- Bands


@pytest.mark.parametrize(("name", "patterns"), [("D1", LINE), ("D2", PLANE)])
def test_bands_agree_with_the_reference_numbers(page, name, patterns):
    reference = GOLDEN["energies"][name]
    show(page, Bands(patterns=patterns))
    for point in reference["points"]:
        # What is reported is as accurate as the largest number that enters it.
        near = functools.partial(pytest.approx, rel=1e-12, abs=1e-12 * max(1.0, point["g"]))
        put(page, point=point["x"], proposition=1)
        told = summary(page)
        band = [point["g"] - reference["log_d"], point["g"]]
        assert told["value"] == near(point["E"])
        assert told["printed"] == near(band)
        assert told["corrected"] == near(band)
        assert told["slack"] == near(point["prop1_upper_slack"])
        assert math.log(told["effective_neighbours"]) == near(point["prop1_upper_slack"])
        put(page, proposition=2)
        told = summary(page)
        assert told["value"] == near(point["prop2_signed_gap"])
        assert told["printed"] == near([-reference["R"], reference["R"]])
        assert told["corrected"] == near([0.0, reference["R"]])
        assert told["holds"] == {"printed": True, "corrected": True}
        put(page, proposition=3)
        told = summary(page)
        assert told["value"] == near(point["prop3_value"])
        assert told["printed"] == near([point["prop3_printed_lower"], point["prop3_printed_upper"]])
        assert told["corrected"] == near([point["prop3_correct_lower"], point["prop3_correct_upper"]])
        if abs(point["prop3_value"] - point["prop3_printed_lower"]) > 1e-9:
            assert told["holds"]["printed"] is point["prop3_printed_holds"]
        else:
            # On the edge, where x = 0 puts it, is inside.
            assert told["holds"]["printed"] is True
        assert told["holds"]["corrected"] is True
    assert errors(page) == []


def test_bands_say_in_words_and_sign_that_proposition_3_fails_at_a_stored_pattern(page):
    widget = show(page, Bands(proposition=3))
    assert words(widget) == ["Inside the printed band", "Inside the corrected band"]
    inside = widget.locator(".bs-verdict path").first.get_attribute("d")
    widget.get_by_role("button", name="Stored pattern (0.2, −0.3)").click()
    settle(page)
    assert get(page, "point") == [0.2, -0.3]
    stored = next(p for p in GOLDEN["energies"]["D2"]["points"] if p["x"] == [0.2, -0.3])
    miss = stored["prop3_printed_lower"] - stored["prop3_value"]
    assert words(widget) == [f"Outside the printed band by {miss:.3f}", "Inside the corrected band"]
    assert miss == pytest.approx(0.386, abs=5e-4)
    assert summary(page)["outside"] == {"printed": pytest.approx(miss, rel=1e-12), "corrected": 0}
    # The sign changes with the words: a cross for a tick.
    assert widget.locator(".bs-verdict path").first.get_attribute("d") != inside
    expect(widget.locator(".bs-live")).to_contain_text("Outside the printed band by 0.386")
    assert widget.get_by_text("outside ↓").is_visible()


def test_bands_slack_of_proposition_1_is_the_log_of_the_effective_neighbours(page):
    widget = show(page, Bands(proposition=1))
    widget.get_by_role("button", name="Equidistant point").click()
    settle(page)
    x, y = get(page, "point")
    assert len({round(math.hypot(x - p, y - q), 9) for p, q in PLANE}) == 1
    assert summary(page)["effective_neighbours"] == pytest.approx(3, rel=1e-12)
    assert summary(page)["slack"] == pytest.approx(math.log(3), rel=1e-12)
    shown = readout(widget)
    assert shown["effective neighbours"] == "3.000"
    assert shown["log of it, g − E"] == f"{math.log(3):.3f}"
    assert "log 3.000: 3.00 of 3 patterns" in words(widget)[0]


def test_bands_telling_points_and_the_line(page):
    widget = show(page, Bands(proposition=3))
    widget.get_by_role("button", name="(3, −6)", exact=True).click()
    settle(page)
    assert get(page, "point") == [3, -6]
    assert "Outside the printed band by 1.099" in words(widget)
    # The map makes room: the point is on it.
    board = widget.locator("svg[role=group]").first.bounding_box()
    dot = centre(widget.locator(".bs-handle").first)
    assert board["x"] < dot[0] < board["x"] + board["width"]
    assert board["y"] < dot[1] < board["y"] + board["height"]
    widget.get_by_role("button", name="On a line").click()
    settle(page)
    assert (get(page, "patterns"), get(page, "point")) == ([-2, 0, 1], [6])
    assert summary(page)["value"] == pytest.approx(-4.0986, abs=1e-4)
    assert "Outside the printed band by 0.099" in words(widget)
    # On a line no point is as far from all three: the button goes back to the plane.
    widget.get_by_role("button", name="Equidistant point").click()
    settle(page)
    assert get(page, "patterns") == PLANE
    assert errors(page) == []


def test_bands_proposition_2_never_enters_the_lower_half(page):
    widget = show(page, Bands(proposition=2))
    lowest = math.inf
    for x in (-5.0, -2.0, -0.7, 0.0, 0.4, 1.5, 4.0):
        for y in (-6.0, -0.5, 0.3, 2.0, 5.0):
            put(page, point=[x, y])
            lowest = min(lowest, summary(page)["value"])
    assert 0 <= lowest < 0.01
    assert "Inside the corrected band: never below 0" in words(widget)
    assert widget.get_by_text("the value never enters this half").is_visible()


def test_bands_follow_mouse_keyboard_and_python(page):
    widget = show(page, Bands(point=[0.0, 1.0]))
    on_map, on_section = widget.locator(".bs-handle").nth(0), widget.locator(".bs-handle").nth(1)
    drag(page, on_map, 60, 40)
    x, y = get(page, "point")
    assert x > 0.5
    assert y < 0.5
    page.wait_for_function("window.model.saved.some((state) => 'point' in state && 'summary' in state)")
    assert f"({x:.2f}, {y:.2f})".replace("-", "−") in (on_map.get_attribute("aria-label") or "")
    drag(page, on_section, -80, 30)
    assert get(page, "point")[0] < x
    assert get(page, "point")[1] == y
    on_map.focus()
    put(page, point=[0.0, 1.0])
    for key, expected in [("ArrowRight", [0.1, 1.0]), ("ArrowUp", [0.1, 1.1]),
                          ("Shift+ArrowLeft", [0.09, 1.1]), ("Shift+ArrowDown", [0.09, 1.09])]:
        page.keyboard.press(key)
        assert get(page, "point") == expected
    widget.get_by_role("radio", name="1").focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert get(page, "proposition") == 2
    put(page, proposition=3, patterns=[[0.0, 0.0], [1.0, 1.0]], point=[0.5, 0.5])
    assert widget.get_by_role("radio", name="3").get_attribute("aria-checked") == "true"
    assert readout(widget)["x"] == "(0.50, 0.50)"
    # A pattern catches a point let go beside it.
    drag(page, on_map, *offset(widget, on_map, 1))
    assert get(page, "point") == [1, 1]
    assert errors(page) == []


def offset(widget: Locator, dot: Locator, index: int) -> tuple[float, float]:
    """From the point to three pixels beside a pattern of the map."""
    pattern = widget.locator("svg[role=group]").first.locator("rect[width='10']").nth(index)
    (x, y), (px, py) = centre(dot.locator(".bs-ring")), centre(pattern)
    return px - x + 3, py - y


@pytest.mark.parametrize("patterns", [
    [[0.5, 0.5]], [2.0], [[0.0, 0.0], [0.0, 0.0]], [[1e6, 1e6], [1e6 + 1, 1e6]], [0.001, 0.002, 0.0035], RING,
])
@pytest.mark.parametrize("proposition", [1, 2, 3])
def test_bands_of_unusual_sets(page, patterns, proposition):
    widget = show(page, Bands(patterns=patterns, proposition=proposition))
    told = summary(page)
    assert told["holds"]["corrected"] is True
    assert told["effective_neighbours"] >= 1
    widget.locator(".bs-handle").first.focus()
    before = get(page, "point")
    page.keyboard.press("ArrowRight")
    settle(page)
    assert get(page, "point") != before
    assert "NaN" not in widget.inner_html()
    assert errors(page) == []


# --- Two wells


def test_two_wells_agree_with_the_reference_numbers(page):
    widget = show(page, TwoWells())
    for row in CONVEXITY["two_patterns_E"]["table"]:
        if row["distance"] > 3:
            continue
        put(page, distance=row["distance"])
        told = summary(page)
        merged = row["distance"] <= math.sqrt(2)
        assert told["merged"] is merged
        assert told["minima"] == ([0] if merged else pytest.approx([-row["m"], row["m"]], rel=1e-9))
        assert told["barrier"] == pytest.approx(row["barrier"], abs=1e-12)
        assert told["merge_distance"] == pytest.approx(CONVEXITY["two_patterns_E"]["distance_c"], rel=1e-12)
    assert widget.get_by_text("merge at √2 = 1.4142").is_visible()
    put(page, energy="MCHN", beta=2.0)
    critical = 2 * CONVEXITY["two_patterns_MCHN"]["beta2_a_c"]
    assert summary(page)["merge_distance"] == pytest.approx(critical, rel=1e-12)
    put(page, beta=1.0)
    assert summary(page)["merge_distance"] == pytest.approx(2, rel=1e-12)
    # beta = 0.3: no distance up to 3 makes two minima, and none is drawn.
    put(page, beta=0.3)
    assert summary(page)["merged"] is True
    assert errors(page) == []


def test_two_wells_follow_mouse_keyboard_and_python(page):
    widget = show(page, TwoWells(distance=2.0))
    left, right, fork = (widget.locator(".bs-handle").nth(k) for k in range(3))
    drag(page, right, -30, 0)
    narrower = get(page, "distance")
    assert 1.0 < narrower < 2.0
    drag(page, left, -40, 0)
    assert get(page, "distance") > narrower
    drag(page, fork, -400, 0)
    assert get(page, "distance") == 0.5
    assert words(widget) == ["The two patterns share one minimum: neither is remembered on its own"]
    drag(page, fork, 2000, 0)
    assert get(page, "distance") == 3
    assert words(widget) == ["Two minima: each pattern keeps its own"]
    left.focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert get(page, "distance") == 2.9
    widget.get_by_label("Distance 2a").focus()
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert get(page, "distance") == pytest.approx(2.89)
    assert widget.get_by_label("β (MCHN)").is_disabled()
    put(page, energy="MCHN", distance=1.0)
    assert widget.get_by_label("β (MCHN)").is_enabled()
    assert widget.get_by_label("Distance 2a").input_value() == "1"
    assert errors(page) == []


# --- Triangle


@pytest.mark.parametrize(("side", "counts", "regime"), [
    (1.4, (1, 0, 0), "merged"), (GHOST_SIDES[0] - 1e-4, (1, 0, 0), "merged"),
    (GHOST_SIDES[0] + 1e-4, (4, 3, 0), "ghost"), (1.7, (4, 3, 0), "ghost"),
    (CONVEXITY["triangle_ghost"]["example_R"] * math.sqrt(3), (4, 3, 0), "ghost"),
    (GHOST_SIDES[1] - 1e-4, (4, 3, 0), "ghost"), (GHOST_SIDES[1] + 1e-3, (3, 3, 1), "separate"),
    (2.2, (3, 3, 1), "separate"),
])
def test_triangle_counts_its_minima(page, side, counts, regime):
    widget = show(page, Triangle(side=side))
    told = summary(page)
    assert (told["minima"], told["saddles"], told["maxima"]) == counts
    assert told["regime"] == regime
    assert told["ghost"] is (regime == "ghost")
    assert told["memories"] == (0 if regime == "merged" else 3)
    assert told["thresholds"] == pytest.approx(GHOST_SIDES, rel=1e-12)
    assert readout(widget)["minima"] == str(counts[0])
    # A mark for each of them: ▼ for minima, a ringed one for the ghost, × for passes, ▲ for a maximum.
    field = widget.locator("svg[role=group]").first
    rings = field.locator("g[aria-hidden] > g:visible circle[stroke-dasharray]").count()
    assert rings == (1 if regime == "ghost" else 0)
    assert field.locator("g[aria-hidden] > g[transform]:visible").count() == sum(counts)
    assert errors(page) == []


def test_triangle_at_the_bifurcations_themselves(page):
    show(page, Triangle(side=1.6))
    for side in [*GHOST_SIDES, 1.657, 1.732, math.sqrt(3)]:
        put(page, side=side)
    put(page, side=1.7)
    assert summary(page)["minima"] == 4
    assert errors(page) == []


def test_triangle_follows_mouse_keyboard_and_python(page):
    widget = show(page, Triangle(side=1.5))
    knob = widget.get_by_role("button", name="Side of the triangle")
    assert words(widget) == ["One minimum in the centre: none of the three patterns is remembered on its own"]
    drag(page, knob, 3000, 0)
    assert get(page, "side") == 2.2
    assert words(widget) == ["3 minima for 3 patterns: each keeps its own, and the centre keeps none"]
    put(page, side=1.69)
    knob.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    settle(page)
    assert get(page, "side") == pytest.approx(1.701)
    assert words(widget) == ["4 minima for 3 patterns: three memories and one ghost in the centre"]
    assert widget.get_by_label("Side", exact=True).input_value() == "1.701"
    assert errors(page) == []


# --- Separation threshold


def test_separation_threshold_agrees_with_the_reference_numbers(page):
    widget = show(page, SeparationThreshold())
    for row in CONVEXITY["simplex_threshold"]:
        d = row["d"]
        put(page, n_patterns=d, separation=round(row["delta_c"] + 0.001, 3))
        told = summary(page)
        assert told["threshold"] == pytest.approx(row["delta_c"], rel=1e-12)
        assert told["centre_threshold"] == pytest.approx(row["centroid_is_minimum_iff_delta_lt"], rel=1e-12)
        assert told["asymptote"] == pytest.approx(math.sqrt(math.log(d) + math.log(math.log(d))), rel=1e-12)
        assert told["memories"] is True
        assert told["ghost"] is (d > 2)
        put(page, separation=round(row["delta_c"] - 0.001, 3))
        assert summary(page)["memories"] is False
        assert words(widget)[0] == "The patterns are lost: one minimum for all"
    put(page, n_patterns=3, separation=1.7)
    assert words(widget) == ["Each pattern keeps its own minimum", "The centre is a minimum too: a ghost"]
    put(page, separation=1.74)
    assert words(widget)[1] == "No ghost: the centre is not a minimum"
    assert errors(page) == []


def test_separation_threshold_follows_mouse_keyboard_and_python(page):
    widget = show(page, SeparationThreshold(n_patterns=1000, separation=3.0))
    point = widget.locator(".bs-handle")
    drag(page, point, 80, -60)
    assert get(page, "n_patterns") > 1000
    assert get(page, "separation") > 3
    drag(page, point, -3000, 3000)
    assert (get(page, "n_patterns"), get(page, "separation")) == (2, 0.5)
    point.focus()
    page.keyboard.press("ArrowLeft")
    assert get(page, "n_patterns") == 2
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    settle(page)
    assert (get(page, "n_patterns"), get(page, "separation")) == (3, 0.6)
    put(page, n_patterns=10**9, separation=5.0)
    assert readout(widget)["patterns d"] == "1,000,000,000"
    assert point.get_attribute("aria-label") == "1,000,000,000 patterns at mutual distance 5.00"
    widget.get_by_label("Separation δ").focus()
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert get(page, "separation") == pytest.approx(4.99)
    assert errors(page) == []


# --- All of them


@pytest.mark.parametrize("name", EVERY)
def test_what_stands_below_never_jumps(page, name):
    widget = show(page, EVERY[name](), width=860)
    page.evaluate("""() => {
      const below = Object.assign(document.createElement("p"), { id: "below", textContent: "below" });
      document.querySelector("main").append(below);
      window.shifts = [];
      new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => entry.value)))
        .observe({ type: "layout-shift", buffered: true });
    }""")
    before = page.locator("#below").bounding_box()["y"]
    assert page.evaluate("window.shifts.reduce((sum, value) => sum + value, 0)") == 0
    drag(page, widget.locator(".bs-handle").last, 25, -10)
    page.wait_for_timeout(400)
    assert page.locator("#below").bounding_box()["y"] == pytest.approx(before, abs=0.5)
    plots = widget.locator(".bs-plot")
    assert all(plots.nth(k).bounding_box()["height"] > 60 for k in range(plots.count()))


@pytest.mark.parametrize("name", EVERY)
def test_colours_follow_the_theme_at_once(page, name):
    widget = show(page, EVERY[name](), theme="light")
    pixels = """(root) => {
      const canvas = root.querySelector("canvas");
      if (!canvas || !canvas.width) return "";
      return [...canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 3, 3).data].join();
    }"""
    paint = "(root) => getComputedStyle(root.querySelector('svg[role=group] text')).fill"
    light = widget.evaluate(pixels), widget.evaluate(paint)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    settle(page)
    dark = widget.evaluate(pixels), widget.evaluate(paint)
    assert dark[1] != light[1]
    # A line of patterns has no field to colour.
    assert dark[0] != light[0] or (light[0] == "" or name == "bands-line")


def test_two_views_of_one_model_agree(page):
    made = TwoWells(distance=1.0)
    show(page, made)
    page.evaluate("""async (source) => {
      const el = document.body.appendChild(Object.assign(document.createElement("div"), { id: "other" }));
      const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
      await module.default.render({ model: window.model, el });
    }""", made._esm)
    first, second = page.locator("#widget .bs-widget"), page.locator("#other .bs-widget")
    assert readout(first) == readout(second)
    first.get_by_label("Distance 2a").focus()
    page.keyboard.press("End")
    settle(page)
    assert readout(second)["distance 2a"] == "3.00"
    assert readout(first) == readout(second)
    assert words(first) == words(second) == ["Two minima: each pattern keeps its own"]


def heavy(name: str) -> BookWidget:
    if name == "bands-20":
        return Bands(patterns=RING, point=[0.0, 0.0], proposition=3)
    kinds = {"bands": Bands, "two-wells": TwoWells, "triangle": Triangle, "separation": SeparationThreshold}
    return kinds[name]()


@pytest.mark.alone
@pytest.mark.parametrize("name", ["bands", "bands-20", "two-wells", "triangle", "separation"])
def test_drag_to_repaint(page, name):
    widget = show(page, heavy(name), width=860)
    point = widget.locator(".bs-handle").first
    point.scroll_into_view_if_needed()
    rounds = []
    for _ in range(3):
        repaint_times(page)
        x, y = centre(point)
        page.mouse.move(x, y)
        page.mouse.down()
        for k in range(1, 61):
            page.mouse.move(x + 50 * math.sin(k / 6), y + 25 * math.cos(k / 5) - 25)
        page.mouse.up()
        times = sorted(repaint_times(page))
        assert len(times) >= 20
        rounds.append((statistics.median(times), times[int(0.95 * len(times))]))
        if rounds[-1][0] < 16 and rounds[-1][1] < 33:
            break
    assert min(median for median, _ in rounds) < 16, rounds
    assert min(tail for _, tail in rounds) < 33, rounds
