"""`glassnet studio` on every kind of data.

Oracles: the data themselves, and the first state that a session of the command sends. No server
runs: tests/studio_app/test_launch.py starts the command as a process.
"""

import base64
import json
from contextlib import closing

import numpy as np
import pytest
from house_table import HOUSES, Command
from PIL import Image
from session_page import Page

import glassnet as gn
from glassnet.studio_app import launch

STUDIO = Command("studio")


@pytest.fixture(autouse=True)
def _a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOUSES.to_csv("houses.csv", index=False)


@pytest.fixture
def served(monkeypatch):
    """What a command would serve, instead of a server."""
    calls = []

    def serve(make_session, welcome, **options):
        calls.append((make_session, welcome, options))

    monkeypatch.setattr(launch, "serve", serve)
    return calls


@pytest.fixture
def first_state(served):
    """A function that runs the command and returns the first state of its session."""

    def run(*words):
        result = STUDIO.run(*words)
        assert result.exit_code == 0, result.output
        with closing(Page(make_session=served[-1][0])) as page:
            return page.ask("open", "state")[0]

    return run


def units(state):
    return [layer["units"] for layer in state["network"]["layers"] if layer["kind"] == "Dense"]


def test_it_begins_with_points_in_the_form_of_xor_and_plays(first_state, served):
    state = first_state()
    assert (state["settings"]["data"]["name"], state["playing"], units(state)) == (
        "xor_points",
        True,
        [4, 1],
    )
    _, welcome, options = served[0]
    assert options == {
        "host": "127.0.0.1",
        "port": None,
        "open_browser": True,
        "allow_remote": False,
        "fragment": "",
    }
    assert "moons" in [each["name"] for each in welcome["catalog"]["datasets"]]


def test_options_choose_network_and_training(first_state):
    state = first_state(
        *("moons", "--layers", "5,3", "--activation", "relu", "--optimizer", "sgd"),
        *("--learning-rate", "0.5", "--batch-size", "full", "--seed", "7"),
    )
    assert (state["settings"]["data"]["name"], units(state)) == ("moons", [5, 3, 1])
    training = state["settings"]["training"]
    assert training == training | {"optimizer": "sgd", "learning_rate": 0.5, "batch_size": None}
    assert state["settings"]["seed"] == 7
    assert state["position"]["steps_per_epoch"] == 1


def make_link(settings):
    text = base64.urlsafe_b64encode(json.dumps(settings).encode()).decode().rstrip("=")
    return f"http://127.0.0.1:4321/#{text}"


def test_a_link_opens_its_state(served):
    """Oracle: the settings, and the step to which they lead; the part after # is enough."""
    link = make_link({"data": {"name": "moons", "n": 60}, "seed": 5, "steps": 3})
    for text in (link, link.partition("#")[2]):
        assert STUDIO.run("--link", text).exit_code == 0
        with closing(Page(make_session=served[-1][0])) as page:
            state = page.ask("open", "state")[0]
            settings = state["settings"]
            assert (settings["data"]["name"], settings["seed"]) == ("moons", 5)
            page.ask("walk", "walk")  # after the steps of the link
            assert not page.last("state")[0]["playing"]
            assert page.last("picture")[0]["step"] == 3


def test_a_link_may_name_a_preset(served):
    assert STUDIO.run("--link", "http://127.0.0.1:4321/#preset=dying%5Frelu").exit_code == 0
    assert served[0][2]["fragment"] == "preset=dying_relu"


def test_options_of_the_server(served):
    words = ("--port", "8123", "--host", "lab", "--allow-remote", "--no-browser")
    assert STUDIO.run(*words).exit_code == 0
    options = served[0][2]
    assert options == options | {
        "host": "lab",
        "port": 8123,
        "open_browser": False,
        "allow_remote": True,
    }


def test_a_lesson_hides_controls_and_has_its_own_presets(first_state, served, tmp_path):
    """Its presets can be opened by name, beside those of the studio."""
    preset = {"name": "ring", "title": "Ring", "settings": {"data": {"name": "circles"}}}
    lesson = {"title": "Rings", "hide": ["doctor"], "presets": [preset], "start": "ring"}
    (tmp_path / "lesson.json").write_text(json.dumps(lesson))
    first_state("--lesson", "lesson.json", "--preset", "ring")
    make_session, welcome, options = served[0]
    sent = welcome["lesson"]
    assert (sent["title"], list(sent["hide"]), sent["start"]) == ("Rings", ["doctor"], "ring")
    assert options["fragment"] == "preset=ring"
    for name, data in (("ring", "circles"), ("dying_relu", None)):
        with closing(Page(make_session=make_session)) as page:
            state = page.ask("open", "state", preset=name)[0]
            assert data in (None, state["settings"]["data"]["name"])


def test_an_error_in_a_lesson_names_the_place(served, tmp_path):
    (tmp_path / "lesson.json").write_text('{"title": "x", "hide": ["docter"]}')
    assert "lesson: hide[0]: expected a control" in STUDIO.refused("--lesson", "lesson.json")


def test_a_table_of_the_user(first_state):
    """The rest of the columns are inputs; a table has no test rows of its own."""
    data = first_state("houses.csv", "--target", "sold")["data"]
    assert (data["kind"], data["target_name"], data["title"]) == ("table", "sold", "houses.csv")
    assert data["class_names"] == ["no", "yes"]
    assert data["n_train"] + data["n_test"] == len(HOUSES)
    data = first_state("houses.csv", "--target", "price", "--features", "size,town")["data"]
    assert data["class_names"] == []
    assert [each["name"] for each in data["columns"] if each["used"]] == ["size", "town"]


def test_types_of_columns_and_of_the_target(first_state):
    """Oracle: the types of the words, also those of a dataset that the page lists."""
    words = ("--target", "sold", "--column", "owner=category", "--column", "size=drop")
    data = first_state("houses.csv", *words)["data"]
    kinds = {each["name"]: each["kind"] for each in data["columns"]}
    assert (kinds["owner"], kinds["size"], kinds["price"]) == ("category", "left out", "number")
    data = first_state("houses.csv", "--target", "owner", "--task", "classes")["data"]
    assert data["class_names"] == [str(i) for i in range(12)]
    data = first_state("houses.csv", "--target", "owner", "--task", "numbers")["data"]
    assert data["class_names"] == []


@pytest.mark.usefixtures("shared_data")
def test_types_of_columns_of_a_dataset(first_state):
    words = ("--target", "age", "--column", "pclass=category", "--features", "pclass,fare")
    data = first_state("titanic", *words)["data"]
    kinds = {each["name"]: each["kind"] for each in data["columns"] if each["used"]}
    assert kinds == {"pclass": "category", "fare": "number"}


def test_the_last_column_is_the_target_unless_another_is_named(first_state):
    assert first_state("houses.csv")["data"]["target_name"] == "sold"


def test_a_file_with_its_own_signs(first_state):
    HOUSES.to_csv("semicolons.csv", index=False, sep=";", decimal=",")
    data = first_state("semicolons.csv", "--target", "price", "--delimiter", ";")["data"]
    kinds = {each["name"]: each["kind"] for each in data["columns"]}
    assert kinds["size"] == "number"


def test_arrays_in_a_file(first_state):
    x = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    np.savez("arrays.npz", x=x, y=(x[:, 0] > 0).astype(int))
    data = first_state("arrays.npz")["data"]
    assert (data["kind"], data["n_train"] + data["n_test"]) == ("plane", 50)


def test_a_folder_of_images(first_state, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "animals" / name).mkdir(parents=True)
        for i in range(10):
            pixels = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "animals" / name / f"{i}.png")
    data = first_state("animals", "--size", "8")["data"]
    assert (data["kind"], data["class_names"]) == ("images", ["cat", "dog"])
    assert (data["image_shape"], data["n_train"] + data["n_test"]) == ([8, 8, 3], 20)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("digits",), ([32, 10], "relu", 0.001)),
        (("digits", "--layers", "4"), ([4, 10], "tanh", 0.03)),
        (("moons",), ([4, 1], "tanh", 0.03)),
    ],
)
def test_images_begin_with_a_network_for_images(first_state, words, expected):
    """Oracle: the help of the options; a network that was chosen stays."""
    state = first_state(*words)
    rate = state["settings"]["training"]["learning_rate"]
    first = next(layer for layer in state["network"]["layers"] if layer["kind"] == "Dense")
    assert (units(state), first["activation"], rate) == expected


def test_a_saved_model_with_its_data(first_state):
    model = gn.Sequential([gn.layers.Dense(3, "relu"), gn.layers.Dense(1, "sigmoid")], seed=0)
    model.fit(HOUSES, target="sold", epochs=2, verbose=0)
    model.save("houses.glassnet")
    state = first_state("houses.glassnet", "houses.csv")
    assert (state["data"]["target_name"], units(state)) == ("sold", [3, 1])
    assert state["position"]["step"] == 4  # 2 epochs of 60 rows in batches of 32


def test_a_model_with_other_layers_says_why_the_page_cannot_change_them(first_state):
    layers = [gn.layers.Dense(3, "relu"), gn.layers.BatchNormalization(), gn.layers.Dense(2)]
    model = gn.Sequential([*layers, gn.layers.Activation("softmax")], seed=0)
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    model.fit(x, y, epochs=1, verbose=0)
    model.save("model.glassnet")
    np.savez("arrays.npz", x=x, y=y)
    network = first_state("model.glassnet", "arrays.npz")["network"]
    assert network["can_edit"] is False
    assert network["cannot_edit_reason"].startswith("The page builds Dense and Dropout layers only")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("house.csv",), "Did you mean 'houses.csv'?"),
        (("nothing",), "expected one of line, plane"),
        (("moons", "houses.csv"), "a second name is for the data of a saved model"),
        (("moons", "--target", "x"), "--target is for tables: moons is a dataset of arrays."),
        (("moons", "--task", "classes"), "--task is for tables: moons is a dataset of arrays."),
        (("--column", "a=number"), "--column is for tables: XOR is a dataset of arrays."),
        (("houses.csv", "--column", "size"), "expected a column and its type, such as pclass=cat"),
        (("houses.csv", "--column", "siz=number"), "column_types: expected one of"),
        (("houses.csv", "--column", "size=text"), "column_types: size: expected one of number"),
        (("model.glassnet", "houses.csv", "--column", "a=drop"), "--column cannot be used with"),
        (("moons", "--size", "8"), "--size"),
        (("moons", "--delimiter", ";"), "--delimiter is for CSV files: moons is a dataset."),
        (("moons", "--layers", "65"), "expected at most 6 hidden layers of at most 64 units"),
        (("moons", "--layers", "1,1,1,1,1,1,1"), "expected at most 6 hidden layers"),
        (("moons", "--learning-rate", "1e7"), "expected a learning rate up to 1e6"),
        (("moons", "--batch-size", "200000"), "a batch size up to 100,000"),
        (("moons", "--activation", "rlu"), "Did you mean 'relu'?"),
        (("moons", "--optimizer", "adamx"), "Did you mean 'adam"),
        (("houses.csv", "--target", "solt"), "Did you mean 'sold'?"),
        (("houses.csv", "--features", "siz"), "Did you mean 'size'?"),
        (("moons", "--preset", "xor"), "--preset has data of its own: leave out the name."),
        (("--preset", "xorr"), "preset: expected one of"),
        (("--link", "#preset=xorr"), "preset: expected one of"),
        (("--link", "http://127.0.0.1:1/"), "link: expected settings that this version"),
        (("--link", make_link({"seed": 5})[:-3]), "The link may be incomplete, or of another"),
        (("--link", make_link({"seeds": 5})), "Received: unknown='settings: seeds'"),
        (("--link", make_link({"data": {"name": "mons"}})), "Did you mean 'moons'?"),
        (("--link", make_link({}), "--layers", "3"), "--layers cannot be used with a link"),
        (("--link", make_link({}), "--decimal", ","), "--decimal is for CSV files: a link has"),
        (("moons", "--link", make_link({})), "--link has data of its own: leave out the name"),
        (("--host", "0.0.0.0"), "Pass --allow-remote"),
        (("--lesson", "none.json"), "none.json"),
        (("model.glassnet",), "Missing data: name a table, a folder of images or a dataset"),
        (("model.glassnet", "houses.csv", "--layers", "3"), "--layers cannot be used with a saved"),
        (("tables",), "the studio needs rows in memory: name one of the files in tables."),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(served, tmp_path, words, expected):
    (tmp_path / "tables").mkdir()
    HOUSES.to_csv(tmp_path / "tables" / "part.csv", index=False)
    assert expected in STUDIO.refused(*words)
    assert served == []
