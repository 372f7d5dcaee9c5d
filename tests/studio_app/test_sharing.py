"""Links, presets, files and lessons.

Oracle: the same settings, and weights that are equal bit for bit, in the session of another page.
"""

import base64
import json
from contextlib import ExitStack
from pathlib import Path

import msgspec
import numpy as np
import pytest
from live_server import run_live_server
from studio_pages import SMALL, Studio, click, count_messages, link_of, wait_until, weights

import glassnet as gn
from glassnet.formatting import format_number
from glassnet.studio_app.lessons import parse_lesson, write_lesson
from glassnet.studio_app.python_script import make_script
from glassnet.studio_app.session import StudioStart
from glassnet.studio_app.settings import Settings
from glassnet.studio_app.starts import make_session_factory, make_welcome

PRESETS = {preset["name"]: preset for preset in make_welcome()["catalog"]["presets"]}


def read_address(studio, page):
    """Return the hash of the address when it is that of the session's state."""

    def find_current():
        fragment = page.evaluate("location.hash")
        text = base64.urlsafe_b64decode(fragment[1:] + "==")
        is_current = msgspec.json.decode(text, type=Settings) == studio.experiment(page).link
        return is_current and fragment

    return wait_until(find_current)


def test_the_address_opens_the_same_state(studio):
    page = studio.open(SMALL)
    click(studio, page, "step", "step")
    page.get_by_test_id("usual_learning_rate").select_option("0.3")
    studio.settle(page)
    click(studio, page, "step", "epoch", "back")
    fragment = read_address(studio, page)
    other = studio.open(fragment=fragment)
    np.testing.assert_array_equal(weights(studio, other), weights(studio, page))
    assert studio.experiment(other).run.step == studio.experiment(page).run.step
    assert studio.experiment(other).settings == studio.experiment(page).settings


def test_a_page_that_is_loaded_again_goes_on(studio):
    page = studio.open(SMALL)
    click(studio, page, "step", "step")
    before = weights(studio, page)
    page.reload()
    page.locator('[data-testid="position_step"][data-value="2"]').wait_for()
    experiment = studio.experiment(page)
    after = experiment.scene.draw_weights(experiment.run.state.train_state)
    np.testing.assert_array_equal(after, before)


def test_a_new_hash_opens_its_state(studio):
    page = studio.open(SMALL)
    page.evaluate("hash => { location.hash = hash; }", link_of({"seed": 5, "data": {"n": 80}}))
    page.locator('[data-testid="seed"][data-value="5"]').wait_for()
    studio.settle(page)
    assert studio.experiment(page).settings.data.n == 80


def test_an_address_that_is_no_link_opens_the_start(studio):
    page = studio.open(fragment="#not-a-link")
    assert studio.experiment(page).settings.data.name == "xor_points"


@pytest.mark.parametrize(
    "fragment",
    ["#preset=nothing", link_of({"data": {"name": "nothing"}})],
    ids=["preset", "dataset"],
)
def test_a_link_that_cannot_be_opened_says_why_and_opens_the_start(studio, fragment):
    page = studio.open(fragment=fragment)
    text = page.get_by_test_id("error").inner_text()
    assert text.startswith("The link of this page could not be opened, so this is the start.")
    assert "expected one of" in text
    assert "nothing" in text
    assert studio.experiment(page).settings.data.name == "xor_points"


def test_a_link_that_was_cut_says_so(studio):
    page = studio.open(fragment=link_of({"seed": 5, "data": {"n": 80}})[:-4])
    assert "a part of it is missing" in page.get_by_test_id("error").inner_text()
    assert studio.experiment(page).settings.data.name == "xor_points"
    page = studio.open(SMALL)
    page.evaluate("() => { location.hash = '#eyJzZWVkIjo1LCJkYXRh'; }")
    page.get_by_test_id("error").wait_for()
    assert studio.experiment(page).settings.data.n == 60


def test_the_steps_of_a_long_link_can_be_stopped(studio):
    page = studio.open(SMALL)
    link = link_of(SMALL | {"steps": 1_000_000})
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(f"http://{studio.server.host}/{link}")
    page.get_by_test_id("busy").wait_for()
    page.wait_for_timeout(700)
    assert page.evaluate("location.hash") == link
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Stopped before step 1,000,000 of the link.").wait_for()
    assert read_address(studio, page) != link


def test_a_link_with_a_wrong_type_changes_nothing(studio):
    page = studio.open(SMALL)
    page.evaluate("hash => { location.hash = hash; }", link_of({"seed": "x"}))
    error = page.get_by_test_id("error")
    error.wait_for()
    assert "$.settings.seed" in error.inner_text()
    assert studio.experiment(page).settings.data.n == 60


def test_link_script_and_files(studio):
    page = studio.open(SMALL)
    click(studio, page, "step")
    page.get_by_test_id("share").click()
    link = page.get_by_test_id("link").input_value()
    other = studio.open(fragment=link[link.index("#") :])
    np.testing.assert_array_equal(weights(studio, other), weights(studio, page))
    page.get_by_test_id("python").click()
    script = page.get_by_test_id("script")
    script.wait_for()
    assert script.input_value() == make_script(studio.experiment(page))
    with page.expect_download() as download:
        page.get_by_test_id("model").click()
    assert download.value.suggested_filename == "studio.glassnet"
    model, mine = gn.load(download.value.path()), studio.experiment(page).make_model()
    for name, value in mine.weights_named().items():
        np.testing.assert_array_equal(model.weights_named()[name], value)
    with page.expect_download() as download:
        page.get_by_test_id("settings").click()
    text = download.value.path().read_text()
    assert text == write_lesson(studio.experiment(page).link)
    page.get_by_test_id("close").click()
    assert page.get_by_role("dialog").count() == 0


def test_the_report_is_a_page_about_this_run(studio):
    """Oracle: the loss of the session's model on its test rows, in the text of the page."""
    page = studio.open(SMALL)
    click(studio, page, "epoch")
    page.get_by_test_id("share").click()
    with page.expect_download() as download:
        page.get_by_test_id("report").click()
    assert download.value.suggested_filename.endswith(".html")
    text = download.value.path().read_text()
    assert text.startswith("<!doctype html>")
    experiment = studio.experiment(page)
    loss, _ = experiment.make_model().evaluate(*experiment.data.test, verbose=0)
    assert format_number(loss) in text


def test_link_and_script_are_copied(studio):
    """Oracle: the clipboard of the browser."""
    page = studio.open(SMALL, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_test_id("share").click()
    page.get_by_test_id("python").click()
    for testid in ("link", "script"):
        page.get_by_test_id(f"copy_{testid}").click()
        page.get_by_role("dialog").get_by_text("Copied.").last.wait_for()
        expected = page.get_by_test_id(testid).input_value()
        assert page.evaluate("navigator.clipboard.readText()") == expected


def test_the_address_is_right_after_training_on_from_before_a_change(studio):
    page = studio.open(SMALL)
    click(studio, page, "step", "step", "neuron-dense_1-0")
    field = page.get_by_test_id("weight-0")
    field.fill("1.5")
    field.press("Enter")
    click(studio, page, "step", "back", "back", "step", "step", "step")
    other = studio.open(fragment=read_address(studio, page))
    np.testing.assert_array_equal(weights(studio, other), weights(studio, page))
    assert studio.experiment(other).settings == studio.experiment(page).settings


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_opens_by_its_link_and_runs(studio, name):
    page = studio.open(fragment=f"#preset={name}")
    assert (
        page.get_by_test_id("preset_text").get_by_role("heading").inner_text()
        == (PRESETS[name]["title"])
    )
    start = studio.experiment(page).run.step
    click(studio, page, "step")
    assert studio.experiment(page).run.step == start + 1
    assert page.get_by_test_id("error").count() == 0


def test_presets_are_links_with_a_why_and_a_thing_to_try(studio):
    page = studio.open(SMALL)
    page.get_by_test_id("presets").click()
    cards = page.locator(".preset-list .card")
    assert cards.count() == len(PRESETS) >= 12
    for card, preset in zip(cards.all(), PRESETS.values(), strict=True):
        text = card.inner_text()
        assert card.get_by_role("link").get_attribute("href") == f"#preset={preset['name']}"
        assert preset["why"] in text
        assert preset["try_this"] in text
    last = list(PRESETS.values())[-1]
    cards.last.get_by_role("link").click()
    page.get_by_test_id("preset_text").wait_for()
    studio.settle(page)
    expected = msgspec.convert(last["settings"], Settings)
    assert studio.experiment(page).settings.network == expected.network


LESSON = {
    "title": "Lines <b>and</b> curves",
    "hide": ["doctor", "training.l1", "output.confusion", "share"],
    "presets": [
        {
            "name": "wide",
            "title": "A wide layer",
            "why": "It has 20 units. It can bend.",
            "try_this": "Take units away.",
            "settings": {"network": {"layers": [{"units": 20}]}},
        }
    ],
    "start": "wide",
}


def test_a_lesson_hides_controls_and_has_its_own_presets(chromium):
    make_session = count_messages(make_session_factory(StudioStart(is_playing=False)))
    welcome = {**make_welcome(), "lesson": LESSON}
    with run_live_server(make_session, welcome=welcome) as server, ExitStack() as stack:
        studio = Studio(server, chromium, stack)
        page = studio.open()
        assert page.get_by_role("heading", level=1).inner_text() == LESSON["title"]
        for testid in ("diagnose", "l1", "confusion", "share"):
            assert page.get_by_test_id(testid).count() == 0, testid
        assert page.get_by_test_id("l2").is_visible()
        assert "A wide layer" in page.get_by_test_id("preset_text").inner_text()
        page.get_by_test_id("presets").click()
        assert page.locator(".preset-list .card").count() == 1
        assert studio.problems == []


def test_what_the_lesson_of_the_docs_asks_for_can_be_done(chromium):
    """Oracle: the page for lecturers; w = 9 has a smaller loss than w = 8."""
    text = (Path(__file__).parents[2] / "docs" / "for-lecturers.md").read_text(encoding="utf-8")
    lesson = parse_lesson(text.split("```json\n")[1].split("```")[0].encode())
    make_session = make_session_factory(StudioStart(is_playing=False), lesson)
    welcome = make_welcome(lesson)
    with (
        run_live_server(count_messages(make_session), welcome=welcome) as server,
        ExitStack() as stack,
    ):
        studio = Studio(server, chromium, stack)
        page = studio.open(fragment="#preset=line")
        for testid in ("diagnose", "landscape", "add_layer", "initializer", "l1", "schedule"):
            assert page.get_by_test_id(testid).count() == 0, testid
        assert page.locator(".part-network details").count() == 0
        before = float(page.get_by_test_id("loss_train").get_attribute("data-value"))
        neuron = page.get_by_test_id("neuron-dense_1-0").bounding_box()
        page.mouse.click(neuron["x"] - 40, neuron["y"] + neuron["height"] / 2)
        page.get_by_test_id("edge-value").fill("9")
        page.get_by_test_id("edge-value").press("Enter")
        loss = page.get_by_test_id("loss_train")
        wait_until(lambda: float(loss.get_attribute("data-value")) < before)
        assert studio.problems == []


def test_a_page_that_another_tab_replaced_says_so(studio):
    first = studio.open(SMALL)
    key = first.evaluate("sessionStorage.getItem('glassnet-session')")
    second = first.context.new_page()
    second.add_init_script(f"sessionStorage.setItem('glassnet-session', {json.dumps(key)})")
    second.goto(first.url)
    second.get_by_test_id("play").wait_for()
    banner = first.get_by_test_id("connection")
    banner.wait_for()
    assert "now in another tab" in banner.inner_text()
    first.get_by_test_id("take_over").click()
    first.get_by_test_id("play").wait_for()
    second.get_by_test_id("take_over").wait_for()


def test_a_server_that_ended_leaves_everything_on_the_page(chromium):
    make_session = count_messages(make_session_factory(StudioStart(is_playing=False)))
    with ExitStack() as stack:
        with run_live_server(make_session, welcome=make_welcome()) as server:
            studio = Studio(server, chromium, stack)
            page = studio.open(SMALL)
            click(studio, page, "step", "step")
            fragment = read_address(studio, page)
            before = weights(studio, page)
        banner = page.get_by_test_id("connection")
        banner.wait_for()
        assert "The run is paused, and everything on this page stays." in banner.inner_text()
        assert page.get_by_test_id("position_step").inner_text() == "2"
        page.get_by_text('start it again with "glassnet studio --link" and the address').wait_for()
        with run_live_server(make_session, welcome=make_welcome()) as server:
            other = Studio(server, chromium, stack)
            np.testing.assert_array_equal(weights(other, other.open(fragment=fragment)), before)
