"""The controls of the page: each changes the settings of its session.

Oracle: the settings of the session's experiment, read in Python after the click.
"""

import pytest

OTHER = {"data": {"n": 60}, "network": {"layers": [{"units": 3}]}}


@pytest.fixture
def page(studio):
    """A page with a small network and few points."""
    return studio.open(OTHER)


def find(page, testid):
    """Return the first element with a test id."""
    return page.get_by_test_id(testid).first


def slide(page, testid, value):
    """Move a slider to a value, and let it go."""
    slider = find(page, testid)
    slider.fill(str(value))
    slider.dispatch_event("change")


def enter(page, testid, value):
    """Type a number, and leave the field."""
    find(page, testid).fill(str(value))
    find(page, testid).press("Enter")
    find(page, testid).blur()


def choose(page, testid, value):
    """Choose an option."""
    find(page, testid).select_option(value)


TRAINING = [
    ("optimizer", choose, "sgd", "sgd"),
    ("momentum", slide, 0.9, 0.9),
    ("learning_rate", enter, 0.0123, 0.0123),
    ("usual_learning_rate", choose, "0.3", 0.3),
    ("batch_size", choose, "all", None),
    ("batch_size", choose, "5", 5),
    ("loss", choose, "mean_squared_error", "mean_squared_error"),
    ("loss", choose, "", None),
    ("l1", choose, "0.001", 0.001),
    ("l2", choose, "0.01", 0.01),
    ("schedule", choose, "cosine", "cosine"),
]


def test_controls_of_the_training(studio, page):
    for testid, act, value, expected in TRAINING:
        act(page, testid, value)
        studio.settle(page)
        name = testid.removeprefix("usual_")
        assert getattr(studio.experiment(page).settings.training, name) == expected, testid
        assert find(page, "note").inner_text() == studio.experiment(page).note != ""
    assert find(page, "learning_rate").input_value() == "0.3"


DATA = [
    ("n", slide, 80, 80),
    ("noise", slide, 0.5, 0.5),
    ("test_share", slide, 0.5, 0.5),
    ("minority", slide, 0.5, 0.5),
    ("data_seed", enter, 7, 7),
]


def test_the_loss_is_named_in_full(studio, page):
    """Oracle: Keras's string in words; the box of the choice is wide enough for it."""
    loss = page.get_by_test_id("loss")
    read = "select => select.selectedOptions[0].textContent"
    assert loss.evaluate(read) == "binary crossentropy (fits the target)"
    assert loss.bounding_box()["width"] > 240
    loss.select_option("squared_hinge")
    assert loss.evaluate(read) == "squared hinge"
    studio.settle(page)
    assert studio.experiment(page).settings.training.loss == "squared_hinge"
    first = loss.evaluate("select => select.options[0].textContent")
    assert first == "the one that fits the target"


def test_controls_of_the_data(studio, page):
    for testid, act, value, expected in DATA:
        act(page, testid, value)
        studio.settle(page)
        name = testid.removeprefix("data_")
        assert getattr(studio.experiment(page).settings.data, name) == expected, testid
    data = studio.experiment(page).data
    assert find(page, "n_train").get_attribute("data-value") == str(data.n_train)
    assert find(page, "n_test").get_attribute("data-value") == str(data.n_test)
    find(page, "shuffle_labels").check()
    find(page, "other_data").click()
    studio.settle(page)
    settings = studio.experiment(page).settings.data
    assert settings.shuffle_labels
    assert settings.seed != 7


def test_datasets_are_chosen_by_icon_or_from_the_list(studio, page):
    find(page, "dataset_moons").check(force=True)
    studio.settle(page)
    assert studio.experiment(page).settings.data.name == "moons"
    choose(page, "other_dataset", "iris")
    studio.settle(page)
    assert studio.experiment(page).settings.data.name == "iris"
    assert find(page, "n_layers").get_attribute("data-value") == "1"


def test_columns_take_part_by_their_checkbox(studio, page):
    choose(page, "other_dataset", "wine")
    studio.settle(page)
    boxes = page.get_by_test_id("column")
    first = boxes.first.get_attribute("value")
    boxes.first.uncheck()
    studio.settle(page)
    data = studio.experiment(page).data
    assert first not in data.feature_names
    assert len(data.feature_names) == boxes.count() - 1
    boxes.first.check()
    studio.settle(page)
    assert first in studio.experiment(page).data.feature_names


def test_axes_of_the_map_of_a_table(studio, page):
    choose(page, "other_dataset", "wine")
    studio.settle(page)
    names = studio.experiment(page).data.feature_names
    page.get_by_test_id("axis_1").select_option(label=names[4])
    studio.settle(page)
    page.get_by_test_id("axis_2").select_option(label=names[5])
    studio.settle(page)
    axes = [axis["name"] for axis in studio.experiment(page).scene.axes]
    assert axes == [names[4], names[5]]
    assert page.locator(".axis-across .name").inner_text() == names[4]
    text = find(page, "slice").inner_text()
    assert all(f"{name} = " in text for name in names if name not in names[4:6])
    page.get_by_test_id("axis_1").select_option(label=names[5])
    studio.settle(page)
    axes = [axis["name"] for axis in studio.experiment(page).scene.axes]
    assert axes == [names[5], names[4]]


def test_controls_of_the_network(studio, page):
    def layers():
        studio.settle(page)
        return studio.experiment(page).settings.network.layers

    page.get_by_label("Add a unit to layer 1").click()
    assert [layer.units for layer in layers()] == [4]
    find(page, "add_layer").click()
    assert [layer.units for layer in layers()] == [4, 4]
    page.get_by_label("Remove a unit of layer 2").click()
    page.get_by_label("Activation of layer 2").select_option("relu")
    page.get_by_label("Dropout after layer 1").select_option("0.2")
    first, second = layers()
    assert (second.units, second.activation, first.dropout) == (3, "relu", 0.2)
    find(page, "remove_layer").click()
    find(page, "remove_layer").click()
    assert layers() == ()
    assert find(page, "remove_layer").is_disabled()


def test_output_layer_initializer_and_scaling(studio, page):
    page.get_by_text("Output, weights, scaling").click()
    choose(page, "initializer", "zeros")
    studio.settle(page)
    choose(page, "output_activation", "tanh")
    studio.settle(page)
    choose(page, "loss", "mean_squared_error")
    find(page, "scale").uncheck()
    studio.settle(page)
    network = studio.experiment(page).settings.network
    assert (network.initializer, network.scale) == ("zeros", False)


def test_limits_of_the_network_are_stated_and_enforced(studio, page):
    for _ in range(5):
        find(page, "add_layer").click()
        studio.settle(page)
    assert find(page, "add_layer").is_disabled()
    assert len(studio.experiment(page).settings.network.layers) == 6
    part = page.locator(".part-network")
    assert "of at most 6" in part.inner_text()
    page.get_by_text("Output, weights, scaling").click()
    assert "At most 6 hidden layers, each with at most 64 units." in part.inner_text()


def test_a_number_out_of_range_is_refused_with_its_range(studio, page):
    enter(page, "learning_rate", -1)
    alert = page.locator(".problem")
    assert alert.inner_text() == "Enter a number from 1.00e−9 to 1.00e6."
    assert find(page, "learning_rate").input_value() == "0.03"
    studio.settle(page)
    assert studio.experiment(page).settings.training.learning_rate == 0.03
    enter(page, "learning_rate", 0.5)
    assert alert.count() == 0
