"""Time on the page: steps, the way back, playing, resets, and the keys.

Oracle: position and weights of the session's run, read in Python.
"""

import numpy as np
import pytest
from studio_pages import SMALL, click, wait_until, weights


@pytest.fixture
def page(studio):
    """A page with a small network and few points."""
    return studio.open(SMALL)


def shown(page, name):
    """Return a number of the position that the page shows."""
    return int(page.get_by_test_id(f"position_{name}").get_attribute("data-value"))


def test_step_back_and_scrubbing_show_the_same_weights_bit_for_bit(studio, page):
    history = [weights(studio, page)]
    for step in range(1, 6):
        click(studio, page, "step")
        assert shown(page, "step") == studio.experiment(page).run.step == step
        history.append(weights(studio, page))
    assert not np.array_equal(history[4], history[5])
    for step in (4, 3):
        click(studio, page, "back")
        assert shown(page, "step") == step
        np.testing.assert_array_equal(weights(studio, page), history[step])
    scrubber = page.get_by_test_id("scrub")
    scrubber.focus()
    scrubber.press("End")
    np.testing.assert_array_equal(weights(studio, page), history[5])
    scrubber.press("Home")
    np.testing.assert_array_equal(weights(studio, page), history[0])
    assert scrubber.get_attribute("aria-valuetext") == "step 0 of 5"


def test_epoch_ends_the_epoch(studio, page):
    click(studio, page, "step", "epoch")
    run = studio.experiment(page).run
    assert (run.state.epoch, run.step_in_epoch) == (1, 0)
    assert (shown(page, "epoch"), shown(page, "step_in_epoch")) == (1, 0)
    assert shown(page, "steps_per_epoch") == run.steps_per_epoch == shown(page, "step")


def test_reset_draws_the_same_weights_and_new_weights_others(studio, page):
    start = weights(studio, page)
    click(studio, page, "epoch", "reset")
    np.testing.assert_array_equal(weights(studio, page), start)
    assert shown(page, "step") == 0
    click(studio, page, "reset_seed")
    assert not np.array_equal(weights(studio, page), start)
    seed = studio.experiment(page).settings.seed
    assert page.get_by_test_id("seed").get_attribute("data-value") == str(seed) != "0"


def test_playing_draws_a_picture_every_so_many_steps(studio, page):
    page.get_by_test_id("steps_per_picture").select_option("20")
    page.get_by_test_id("play").click()
    wait_until(lambda: shown(page, "step") >= 100)
    assert page.get_by_test_id("play").inner_text().split()[-1] == "Pause"
    assert page.get_by_test_id("summary").inner_text() == ""
    page.get_by_test_id("play").click()
    studio.settle(page)
    assert shown(page, "step") == studio.experiment(page).run.step
    loss = page.get_by_test_id("loss_train")
    text = page.get_by_test_id("summary").inner_text()
    wait_until(lambda: loss.inner_text().strip() in text)
    assert text.startswith(
        f"Step {shown(page, 'step')}, epoch {shown(page, 'epoch')}: training loss"
    )


def test_without_pictures_only_the_position_moves(studio, page):
    """The loss is that of the last picture; more positions come than wait without an answer."""
    page.get_by_test_id("pictures").uncheck()
    n, loss = studio.session(page)._n_pictures, page.get_by_test_id("loss_train")
    before = loss.inner_text()
    page.get_by_test_id("play").click()
    wait_until(lambda: shown(page, "step") > 200 and studio.session(page)._n_pictures > n + 3)
    assert loss.inner_text() == before
    page.get_by_test_id("play").click()
    studio.settle(page)
    assert shown(page, "step") == studio.experiment(page).run.step
    wait_until(lambda: loss.inner_text() != before)


def test_keys(studio, page):
    def press(key):
        page.keyboard.press(key)
        studio.settle(page)
        return studio.experiment(page).run.step

    assert [press(key) for key in ("s", "ArrowRight", "b", "s", "ArrowLeft")] == [1, 2, 1, 2, 1]
    assert press("e") == studio.experiment(page).run.steps_per_epoch
    assert press("r") == 0
    page.keyboard.press("Space")
    wait_until(lambda: shown(page, "step") > 3)
    page.keyboard.press("Space")
    studio.settle(page)
    assert not studio.session(page)._plays
    page.keyboard.press("?")
    assert page.get_by_role("dialog").get_by_text("Play or pause").is_visible()
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0


def test_keys_are_left_to_fields_that_need_them(studio, page):
    page.get_by_test_id("learning_rate").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_test_id("optimizer").focus()
    page.keyboard.press("s")
    page.get_by_test_id("pictures").focus()
    page.keyboard.press("Space")
    studio.settle(page)
    assert studio.experiment(page).run.step == 0
    assert not page.get_by_test_id("pictures").is_checked()


def test_a_loss_that_is_not_a_number_is_reported(studio):
    training = {"optimizer": "sgd", "learning_rate": 1e6, "loss": "mean_squared_error"}
    layers = [{"units": 3, "activation": "linear"}]
    network = {"layers": layers, "output_activation": "linear"}
    page = studio.open(
        {"data": {"name": "plane", "n": 60}, "network": network, "training": training}
    )
    page.get_by_test_id("play").click()
    problem = page.get_by_test_id("problem")
    problem.wait_for()
    studio.settle(page)
    assert problem.inner_text() == studio.experiment(page).run.problem
