"""Links that carry a widget's state: there and back, several, broken ones, and whatever else an address may hold."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from ipywidgets import FloatSlider, VBox, jslink
from playwright.sync_api import Page, expect

from beyond_scaling import widgets
from beyond_scaling.bookbuild.widget_modules import domains

from ..bookbuild.sample_widget import Counter
from ..widget_samples import make
from .loader_page import fragment, mount_all, read, ready, troubles, views, write

UNREAD = "configuration could not be read"
ROUNDS = int(os.environ.get("PERMALINK_ROUNDS", "3"))  # addresses for each widget


@pytest.fixture
def no_clipboard(page: Page) -> None:
    """As where a page may not write to the clipboard: the address is then shown."""
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined });")


def open_and_mount(page: Page, address: str) -> None:
    page.goto("about:blank")
    page.goto(address)
    mount_all(page)


def link_of(page: Page, n: int = 1) -> str:
    """Press a widget's Link: the address that is then shown."""
    view = views(page).nth(n - 1)
    view.get_by_role("button", name="Link").click()
    field = view.get_by_role("textbox", name="Address of this widget")
    expect(field).to_be_focused()
    shown = field.input_value()
    assert page.url == shown
    selected = field.evaluate("(field) => field.value.slice(field.selectionStart, field.selectionEnd)")
    assert selected == shown
    return shown


def test_a_link_carries_what_differs_from_the_start(page: Page, no_clipboard: None, tmp_path: Path):
    address = write(tmp_path, widgets.TwoWells())
    open_and_mount(page, address)
    page.get_by_role("radio", name="MCHN").click()
    link = link_of(page)
    assert read(link) == {1: [{"energy": "MCHN"}]}
    open_and_mount(page, link)
    expect(page.get_by_role("radio", name="MCHN")).to_have_attribute("aria-checked", "true")
    assert link_of(page) == link


def test_a_link_to_a_widget_at_its_start_names_it_alone(page: Page, no_clipboard: None, tmp_path: Path):
    address = write(tmp_path, Counter(value=1.0), Counter(value=2.0))
    open_and_mount(page, address)
    assert link_of(page, 2) == f"{address}#w=2"


def test_the_clipboard_has_the_link_and_a_status_says_so(page: Page, tmp_path: Path):
    page.add_init_script(
        "window.copied = []; Object.defineProperty(navigator, 'clipboard', "
        "{ value: { writeText: async (text) => { window.copied.push(text); } } });"
    )
    open_and_mount(page, write(tmp_path, Counter(value=1.0)))
    page.locator(".sample-counter").click()
    page.get_by_role("button", name="Link").click()
    expect(page.locator(".bs-tools [role=status]")).to_have_text("Link copied")
    assert page.evaluate("window.copied") == [page.url]
    assert read(page.url) == {1: [{"value": 2}]}


def test_a_link_may_carry_several_widgets_and_shows_the_first(page: Page, no_clipboard: None, tmp_path: Path):
    address = write(tmp_path, *(Counter(value=float(i)) for i in range(3)), apart=True)
    page.goto(f"{address}#{fragment([{'value': 30}], 3)}&{fragment([{'value': 20}], 2)}")
    expect(page.locator(".sample-counter").last).to_have_text("count 30")
    expect(page.locator(".sample-counter").last).to_be_in_viewport()
    mount_all(page)
    assert page.locator(".sample-counter").all_text_contents() == ["count 0", "count 20", "count 30"]
    page.locator(".sample-counter").first.click()
    link_of(page, 1)
    assert read(page.url) == {1: [{"value": 1}], 2: [{"value": 20}], 3: [{"value": 30}]}


def test_linked_widgets_are_restored_and_reset_together(page: Page, no_clipboard: None, tmp_path: Path):
    counter, slider = Counter(value=2.0), FloatSlider(value=7.0, description="Count", max=10.0)
    link = jslink((counter, "value"), (slider, "value"))
    address = write(tmp_path, VBox([counter, slider]))
    open_and_mount(page, address)
    page.get_by_label("Count").fill("8.5")
    shared = link_of(page)
    open_and_mount(page, shared)
    expect(page.locator(".sample-counter")).to_have_text("count 8.5")
    assert page.get_by_label("Count").input_value() == "8.5"
    page.get_by_role("button", name="Reset").click()
    expect(page.locator(".bs-tools [role=status]")).to_have_text("Back to the start")
    expect(page.locator(".sample-counter")).to_have_text("count 2")
    assert page.get_by_label("Count").input_value() == "2"
    page.locator(".sample-counter").click()
    assert page.get_by_label("Count").input_value() == "3"
    link.close()


def test_an_address_that_changes_is_followed(page: Page, tmp_path: Path):
    open_and_mount(page, write(tmp_path, Counter(value=1.0)))
    for value in (5, 6):
        page.evaluate("(hash) => { location.hash = hash; }", fragment([{"value": value}]))
        expect(page.locator(".sample-counter")).to_have_text(f"count {value}")


@pytest.mark.parametrize(
    "hash_",
    ["w=", "w=x", "w=1~", "w=1~!!", "w=1~AAAA", "w=0~W10", "w=99~e30", "w=1~bnVsbA", "w=1~WzFd", "w=1~" + "A" * 9000,
     "w=1~W3siX19wcm90b19fIjp7InZhbHVlIjo5fX1d", "w=1~W3sidmFsdWUiOiJ4In1d"],
)  # fmt: skip
def test_what_cannot_be_read_is_said_and_does_no_harm(page: Page, tmp_path: Path, hash_: str):
    found = troubles(page)
    open_and_mount(page, f"{write(tmp_path, Counter(value=1.0))}#{hash_}")
    expect(page.locator(".bs-tools [role=status]")).to_contain_text(UNREAD)
    expect(page.locator(".sample-counter")).to_have_text("count 1")
    assert found == []


@pytest.mark.parametrize("name", ["_esm", "_module", "layout", "summary", "constructor", "nothing"])
def test_a_link_sets_no_private_and_no_unknown_trait(page: Page, tmp_path: Path, name: str):
    found = troubles(page)
    open_and_mount(page, f"{write(tmp_path, Counter(value=1.0))}#{fragment([{name: 'x', 'value': 4}])}")
    expect(page.locator(".bs-tools [role=status]")).to_have_text("Part of this link’s configuration could not be read.")
    expect(page.locator(".sample-counter")).to_have_text("count 4")
    assert found == []


def test_fragments_of_others_are_left_alone(page: Page, tmp_path: Path):
    open_and_mount(page, f"{write(tmp_path, Counter(value=1.0))}#something-else")
    expect(page.locator(".bs-tools [role=status]")).to_have_text("")


EXTREMES: list[Any] = [
    0, -1, 1, 0.1, -0.0, 3, 7.5, 1e-12, -1e9, 1e15, 1e300, 2**53, None, [], [0], [[]], [[0, 0]], [[1e300, -1e300]],
    [1, 2, 3], [[1, 2, 3]], [[0, 0]] * 16, [0] * 64, [[0.0], [0.0]], "", "x", "constructor", "E", True, False, {},
    ["E"],
]  # fmt: skip


def invented(rng: random.Random, cls: type, state: dict[str, Any]) -> dict[str, Any]:
    """Values for some of a widget's traits: of the right kind, at the ends of their range, beyond it, or anything."""
    values: dict[str, Any] = {}
    for name, domain in domains(cls).items():
        match domain:
            case {"from": low, "to": high, **rest} if "shape" not in rest:
                own = [low, high, rng.uniform(low, high), round(rng.uniform(low, high)), low - 1, high * 1e6]
            case {"among": among}:
                own = list(among)
            case {"shape": shape}:
                point = [rng.choice([0, -1000, 1000, rng.uniform(-3, 3)]) for _ in range(shape[-1] or 3)]
                own = [point, [point], [point, point], [point[:1] * (shape[-1] or 1)] * 3]
            case "boolean":
                own = [True, False]
            case _:
                own = [state[name], *([state[name][:1], state[name] * 2] if isinstance(state[name], list) else [])]
        if rng.random() < 0.6:
            values[name] = rng.choice(own if rng.random() < 0.6 else EXTREMES)
    return values


@pytest.mark.parametrize("name", sorted(widgets.__all__))
def test_no_address_breaks_a_widget(page: Page, tmp_path: Path, name: str):
    widget = make(name)
    found = troubles(page)
    open_and_mount(page, write(tmp_path, widget, Counter(value=1.0)))
    rng = random.Random(name)
    for i in range(ROUNDS):
        values = invented(rng, type(widget), widget.get_state())
        page.evaluate("performance.clearMarks()")
        page.evaluate("(hash) => { location.hash = hash; }", f"{fragment([values])}&{i}")
        page.wait_for_function("performance.getEntriesByName('bs-widget-ready').length > 0", timeout=10_000)
        page.wait_for_timeout(60)
        assert found == [], values
        assert ready(page) == ["true", "true"], values
        assert views(page).first.locator(".bs-widget").is_visible(), values
