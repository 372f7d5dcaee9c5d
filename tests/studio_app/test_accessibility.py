"""The page for everyone: axe-core, the keyboard alone, small windows.

Oracle: axe-core's rules; the settings of the session after keys only; the width of the window.
"""

import pytest
from studio_pages import SMALL, click, wait_until

TABLE = {"data": {"name": "wine"}, "network": {"layers": [{"units": 3}]}}


def find_violations(page):
    """Return the serious and critical violations that axe-core finds, as texts."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(studio, scheme):
    page = studio.open(SMALL, color_scheme=scheme, bypass_csp=True)
    click(studio, page, "step", "next_row")
    page.get_by_test_id("draw").click()
    page.get_by_text("Output, weights, scaling").click()
    assert find_violations(page) == []
    for testid in ("help", "share", "presets"):
        button = page.get_by_test_id(testid)
        if button.count():
            button.click()
            assert find_violations(page) == []
            page.keyboard.press("Escape")


def test_axe_finds_nothing_serious_in_a_table(studio):
    page = studio.open(TABLE, bypass_csp=True)
    click(studio, page, "next_row")
    assert find_violations(page) == []


def test_axe_finds_a_button_without_a_name(studio):
    page = studio.open(SMALL, bypass_csp=True)
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert [text.split(":")[0] for text in find_violations(page)] == ["button-name"]


def press_until(page, testid, key="Tab", limit=200):
    """Press a key until an element has the focus."""
    for _ in range(limit):
        if page.evaluate("document.activeElement.dataset.testid") == testid:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{testid} is not reached by {key}")


def test_everything_is_done_with_the_keyboard(studio):
    page = studio.open(SMALL)
    press_until(page, "play")
    page.keyboard.press("Enter")
    wait_until(lambda: studio.session(page)._plays)
    page.keyboard.press("Enter")
    studio.settle(page)
    press_until(page, "optimizer")
    page.keyboard.type("sgd")
    press_until(page, "l2")
    page.keyboard.press("ArrowDown")
    press_until(page, "dataset_xor_points")
    page.keyboard.press("ArrowRight")
    studio.settle(page)
    press_until(page, "test_share")
    page.keyboard.press("ArrowRight")
    press_until(page, "add_layer")
    page.keyboard.press("Enter")
    studio.settle(page)
    settings = studio.experiment(page).settings
    assert (settings.training.optimizer, settings.training.l2) == ("sgd", 0.0001)
    assert settings.data.name == "circles"
    assert settings.data.test_share == pytest.approx(0.35)
    assert [layer.units for layer in settings.network.layers] == [3, 3]
    press_until(page, "points")
    page.keyboard.press("ArrowRight")
    studio.settle(page)
    assert page.get_by_test_id("row_loss").is_visible()
    press_until(page, "share", key="Shift+Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.testid") == "share"


def test_the_focus_is_visible(studio):
    page = studio.open(SMALL)
    for testid in ("play", "optimizer", "points"):
        press_until(page, testid)
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px", testid


@pytest.mark.parametrize("settings", [SMALL, TABLE], ids=["plane", "table"])
def test_a_window_of_360_pixels_is_wide_enough(studio, settings):
    page = studio.open(settings, width=360, height=740)
    click(studio, page, "step", "next_row")
    page.get_by_test_id("draw").click()
    size = page.evaluate("document.documentElement.scrollWidth")
    assert size == 360
    wide = page.evaluate(
        """[...document.querySelectorAll("button, select, input, canvas")]
            .filter((each) => each.checkVisibility() && !each.closest(".hidden, .scroll"))
            .filter((each) => each.getBoundingClientRect().right > 361)
            .map((each) => each.dataset.testid)"""
    )
    assert wide == []
    page.get_by_test_id("help").click()
    box = page.get_by_role("dialog").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360


PARTS = """[...document.querySelectorAll(".part")].map((part) => {
    const { x, y } = part.getBoundingClientRect();
    return [part.className.replace("part part-", ""), x, y];
})"""
NARROW_ORDER = ["network", "output", "training", "data", "landscape", "doctor"]


@pytest.mark.parametrize("width", [360, 900])
def test_what_moves_comes_first_on_small_screens(studio, width):
    page = studio.open(SMALL, width=width, height=740)
    parts = page.evaluate(PARTS)
    column = sorted((y, name) for name, x, y in parts if x < 100)
    names = [name for _, name in column]
    assert names == [name for name in NARROW_ORDER if name != "output" or width == 360]
    places = {name: (x, y) for name, x, y in parts}
    if width == 900:  # beside the network
        assert places["output"][1] == places["network"][1]


def test_the_time_bar_leaves_space_on_a_phone(studio):
    """Oracle: 100 pixels; the rest of the bar opens by its button."""
    page = studio.open(SMALL, width=360, height=740)
    bar = page.locator(".time")
    assert bar.bounding_box()["height"] <= 100
    for testid in ("play", "back", "step", "scrub", "position_step"):
        assert page.get_by_test_id(testid).is_visible()
    assert not page.get_by_test_id("reset").is_visible()
    page.get_by_test_id("more_time").click()
    click(studio, page, "step", "reset")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_test_id("more_time").click()
    page.get_by_test_id("to_data").click()
    page.wait_for_function("document.querySelector('.part-data').getBoundingClientRect().y < 200")
    heading = page.get_by_role("heading", name="Data", exact=True).bounding_box()
    assert heading["y"] >= bar.bounding_box()["y"] + bar.bounding_box()["height"]


def test_reduced_motion_stops_animations(studio):
    page = studio.open(SMALL, reduced_motion="reduce")
    names = page.evaluate(
        """[...document.querySelectorAll("*")].filter((each) =>
            getComputedStyle(each).animationName !== "none").length"""
    )
    assert names == 0
