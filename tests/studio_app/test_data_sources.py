"""Data of the studio. Oracles: the loaders and splits of the library, counting in NumPy, and the
lines of Python that the data themselves print: they are run, and their rows are compared.
"""

import doctest

import numpy as np
import pytest

import glassnet as gn
from glassnet.data.split import stratified_split
from glassnet.data.table import Table
from glassnet.errors import ConfigError, DataError
from glassnet.layers import Flatten, Normalization, Rescaling
from glassnet.studio_app import data_sources
from glassnet.studio_app.data_sources import OFFERED, describe_datasets, make_data
from glassnet.studio_app.own_data import own_data, read_upload
from glassnet.studio_app.settings import DataSettings, Point

DOWNLOADS = ("titanic", "house_prices", "mnist", "fashion_mnist")
TWO_COLUMNS = b"width,height,kind\n1.5,2,cat\n2.5,1,dog\n3.5,5,cat\n1,2,dog\n2,4,cat\n3,1,dog\n"
MIXED = "width,color,id,kind\n" + "\n".join(
    f"{i / 7:.2f},{'red' if i % 3 else 'blue'},{i},{'a' if i % 2 else 'b'}" for i in range(30)
)


def run_code(data):
    """Return what the lines of `code` define."""
    names = {"np": np, "gn": gn}
    exec("\n".join(data.code), names)
    if data.is_table:
        return names["train"], names["test"]
    return (names["x"], names["y"]), (names["x_test"], names["y_test"])


def assert_same_rows(data):
    """Compare the rows with those of `code`, in their order and with their types."""
    train, test = run_code(data)
    pairs = [(data.x, train), (data.test, test)]
    if not data.is_table:
        pairs = [((data.x, data.y), train)]
        pairs.append((data.test or (None, None), test))
    for ours, theirs in pairs:
        if isinstance(ours, Table):
            assert list(ours.columns) == list(theirs.columns)
            ours, theirs = tuple(ours.columns.values()), tuple(theirs.columns.values())
        for a, b in zip(ours or (), theirs or (), strict=True):
            np.testing.assert_array_equal(a, b)


def upload(text, **settings):
    raw = text.encode() if isinstance(text, str) else text
    return make_data(DataSettings("own", **settings), read_upload("things.csv", raw))


def test_example():
    assert doctest.testmod(data_sources).failed == 0


@pytest.mark.parametrize("name", OFFERED)
@pytest.mark.parametrize(
    "options", [{}, {"test_share": 0.5, "minority": 0.3, "shuffle_labels": True, "seed": 4}]
)
def test_the_code_makes_the_same_rows(name, options, request):
    if name in DOWNLOADS:
        request.getfixturevalue("shared_data")
    data = make_data(DataSettings(name, **options))
    assert_same_rows(data)
    x, y = data.x, data.y
    assert data.n_train == len(x)
    assert data.n_test == (
        0 if data.test is None else len(data.test if y is None else data.test[0])
    )
    assert data.is_trainable
    assert data.is_private is False


def test_the_catalogue_names_what_can_be_loaded():
    """Oracle: the data."""
    for entry in describe_datasets():
        if entry["name"] in DOWNLOADS:
            continue
        data = make_data(DataSettings(entry["name"]))
        assert entry["kind"] == data.kind
        assert entry["title"] == data.title
        noisy = make_data(DataSettings(entry["name"], noise=0.9))
        differs = not np.array_equal(noisy.x, data.x)
        differs |= not np.array_equal(noisy.y, data.y)
        assert (entry["noise"] is not None) == differs


def test_all_rows_are_split_by_class():
    """Oracle: the rows of the loader, and the stratified split of the library."""
    data = make_data(DataSettings("moons", n=100, noise=0.2, test_share=0.4, seed=3))
    loaded = gn.datasets.load("moons", n=100, noise=0.2, seed=3)
    x, y = np.concatenate([loaded.x, loaded.x_test]), np.concatenate([loaded.y, loaded.y_test])
    train, test = stratified_split(y, 0.4, np.random.default_rng((3, 2)))
    np.testing.assert_array_equal(data.x, x[train])
    np.testing.assert_array_equal(data.test[1], y[test])
    assert np.bincount(data.test[1]).tolist() == [20, 20]
    assert (data.n_train, data.n_test) == (60, 40)
    assert (data.feature_names, data.class_names) == (("x1", "x2"), ("upper", "lower"))


def test_the_line_keeps_its_training_rows():
    """Oracle: the losses of lecture 000 hold for the first 40 rows."""
    data = make_data(DataSettings("line", test_share=0.5))
    x, y = data.x[:, 0].astype(float), data.y
    assert (data.n_train, data.n_test) == (40, 10)
    assert np.mean((y - 8 * x - 3) ** 2) == pytest.approx(599.41, abs=1e-3)
    assert make_data(DataSettings("line", test_share=0)).test is None


def test_a_small_class_keeps_a_part_of_its_rows():
    """Oracle: counting. Of 150 rows, 5 % are 7.5, rounded to even; at least 2 stay."""
    for share, expected in ((0.05, 8), (0.001, 2)):
        data = make_data(DataSettings("gaussians", minority=share, test_share=0))
        assert np.bincount(data.y).tolist() == [150, expected]
        assert f"{expected} of the 150 rows of class 1 are used." in data.messages
    data = make_data(DataSettings("plane", minority=0.1))
    assert "The share of class 1 has no effect: there is no class 1." in data.messages


def test_labels_of_training_rows_are_shuffled():
    """Oracle: the same data without: the same inputs, the same counts, other targets."""
    plain = make_data(DataSettings("moons"))
    shuffled = make_data(DataSettings("moons", shuffle_labels=True))
    np.testing.assert_array_equal(plain.x, shuffled.x)
    y, z = plain.y, shuffled.y
    assert np.bincount(y).tolist() == np.bincount(z).tolist()
    assert 0.3 < np.mean(y == z) < 0.7
    np.testing.assert_array_equal(plain.test[1], shuffled.test[1])


def test_columns_can_be_left_out():
    data = make_data(DataSettings("iris", columns=("petal width (cm)", "sepal length (cm)")))
    assert data.feature_names == ("sepal length (cm)", "petal width (cm)")
    assert data.kind == "plane"
    assert [column.used for column in data.columns] == [True, False, False, True]
    assert_same_rows(data)
    assert make_data(DataSettings("moons", columns=("x2",))).kind == "line"
    with pytest.raises(ConfigError, match=r"columns: expected one of x1, x2. .*name='x3'"):
        make_data(DataSettings("moons", columns=("x3",)))


def test_a_target_among_the_chosen_columns_is_no_input():
    data = upload(MIXED, target="width", columns=("width", "color"))
    assert (data.target_name, data.feature_names) == ("width", ("color",))


def test_drawn_points():
    """Oracle: the points; labels 3 and 5 become the classes 0 and 1."""
    points = tuple(Point(i / 10, -i / 10, 3 if i % 2 else 5) for i in range(10))
    data = make_data(DataSettings("points", points=points, test_share=0))
    np.testing.assert_array_equal(data.x, np.float32([(i / 10, -i / 10) for i in range(10)]))
    assert data.y.tolist() == [1, 0] * 5
    assert data.class_names == ("class 3", "class 5")
    assert data.is_trainable
    assert_same_rows(data)


@pytest.mark.parametrize("labels", [(), (1,), (1, 1)])
def test_too_few_points_are_shown_and_not_trained_on(labels):
    points = tuple(Point(0.1, 0.2, label) for label in labels)
    data = make_data(DataSettings("points", points=points))
    assert (data.kind, data.n_train, data.is_trainable) == ("plane", len(labels), False)
    assert data.x.shape == (len(labels), 2)
    assert any("Draw at least two points, of two classes" in text for text in data.messages)
    assert data.input_layers(True) == []


def test_rows_that_are_too_few_are_all_trained_on():
    points = (Point(0, 0, 0), Point(1, 1, 1))
    data = make_data(DataSettings("points", points=points, test_share=0.5))
    assert (data.n_train, data.n_test, data.test) == (2, 0, None)
    assert "There are too few rows to hold some out, so all are trained on." in data.messages


@pytest.mark.parametrize(
    ("name", "activation", "head"),
    [
        ("moons", None, (1, "sigmoid", "binary_crossentropy")),
        ("moons", "softmax", (2, "softmax", "sparse_categorical_crossentropy")),
        ("moons", "tanh", (1, "tanh", "mean_squared_error")),
        ("blobs", None, (3, "softmax", "sparse_categorical_crossentropy")),
        ("plane", None, (1, None, "mean_squared_error")),
        ("plane", "relu", (1, "relu", "mean_squared_error")),
    ],
)
def test_the_output_layer_fits_the_target(name, activation, head):
    assert make_data(DataSettings(name)).output_head(activation) == head


def test_an_output_that_does_not_fit():
    with pytest.raises(ConfigError, match=r"expected softmax as the output activation of 3 cl"):
        make_data(DataSettings("blobs")).output_head("sigmoid")


def test_layers_that_scale():
    """Oracle: the rules of `glassnet train`: large numbers are standardized, pixels divided."""
    pets, moons, digits, plane = (
        make_data(DataSettings(name)) for name in ("pets", "moons", "digits", "plane")
    )
    assert pets.input_layers(True) == [Normalization()]
    assert pets.input_layers(False) == moons.input_layers(True) == []
    assert digits.input_layers(True) == [Rescaling(1 / 16), Flatten()]
    assert digits.input_layers(False) == [Flatten()]
    y = plane.y
    assert plane.target_layers(True) == [Rescaling(float(y.std()), float(y.mean()))]
    assert plane.target_layers(False) == moons.target_layers(True) == []
    assert (digits.kind, digits.image_shape) == ("images", (8, 8))


def test_an_own_table_of_two_numbers_is_a_plane():
    """Oracle: the file; classes are sorted: cat is 0."""
    data = upload(TWO_COLUMNS, test_share=0)
    assert data.x.tolist() == [
        [1.5, 2],
        [2.5, 1],
        [3.5, 5],
        [1, 2],
        [2, 4],
        [3, 1],
    ]
    assert data.y.tolist() == [0, 1, 0, 1, 0, 1]
    assert (data.kind, data.class_names) == ("plane", ("cat", "dog"))
    assert (data.feature_names, data.target_name) == (("width", "height"), "kind")
    assert data.is_private
    assert data.title == "things.csv"


def test_an_own_table_is_described_as_fit_encodes_it():
    """Oracle: the file: 30 rows, of which the column id numbers the rows."""
    data = upload(MIXED)
    assert (data.kind, data.n_train + data.n_test) == ("table", 30)
    kinds = {each.name: (each.kind, each.used) for each in data.columns}
    assert kinds == {
        "width": ("number", True),
        "color": ("category", True),
        "id": ("left out", False),
    }
    assert data.columns[1].detail == "blue, red"
    assert data.columns[2].detail == "it numbers the rows"
    assert data.messages[0] == "things.csv: 30 rows, 4 columns, separated by commas"
    model = gn.Sequential([gn.layers.Dense(1, "sigmoid")], seed=0)
    model.fit(data.x, data.y, **data.fit_options, validation_data=data.test, epochs=1, verbose=0)
    assert model.preprocessor.feature_names == ("width", "color=blue", "color=red")


def test_a_column_that_cannot_be_encoded_is_left_out_with_the_reason():
    """Oracle: numbers and a few words, which `fit` refuses."""
    rows = [f"{'oops' if i == 20 else i},{i % 7},{i % 5},{'ab'[i % 2]}" for i in range(40)]
    data = upload("a,b,c,kind\n" + "\n".join(rows))
    column = data.columns[0]
    assert (column.kind, column.used) == ("left out", False)
    assert "numbers or text, not both" in column.detail
    assert data.feature_names == ("b", "c")
    assert "a" not in data.x


@pytest.mark.filterwarnings("ignore::glassnet.errors.DataWarning")
def test_labels_stay_text_if_those_of_the_test_rows_are_numbers():
    """Oracle: the file: 1, 2 and x are labels, and the only x is in the training rows."""
    rows = [f"{i % 7}.5,{'ab'[i % 2]},{'x' if i == 11 else i % 2 + 1}" for i in range(40)]
    data = upload("a,b,kind\n" + "\n".join(rows), test_share=0.1)
    assert data.class_names == ("1", "2", "x")
    assert set(data.test["kind"]) == {"1", "2"}
    model = gn.Sequential([gn.layers.Dense(3, "softmax")], seed=0)
    model.fit(data.x, data.y, **data.fit_options, validation_data=data.test, epochs=0, verbose=0)
    assert model.preprocessor.target.labels == ("1", "2", "x")


def test_a_text_in_every_row_of_a_tiny_table_is_left_out():
    data = upload("a,b,kind\n1.5,x,a\n2.5,y,b\n4,z,a\n", test_share=0)
    assert data.feature_names == ("a",)
    assert [column.used for column in data.columns] == [True, False]


def test_targets_of_own_tables():
    """Oracle: the rules of `glassnet train`."""
    assert upload(MIXED, target="color").class_names == ("blue", "red")
    number = upload(MIXED, target="width")
    assert number.class_names == ()
    assert number.output_head() == (1, None, "mean_squared_error")
    with pytest.raises(ConfigError, match=r"target: expected one of width, color, id, kind"):
        upload(MIXED, target="knd")
    few = "\n".join(f"{i / 3:.2f},{i % 5},{i % 4}" for i in range(40))
    data = upload("a,b,stars\n" + few)
    assert data.class_names == ()
    assert any("stars has 4 different integers" in text for text in data.messages)


RATED = "size,zip,stars\n" + "\n".join(f"{i / 3:.2f},{10 + i % 3},{i % 4}" for i in range(40))


def test_integers_are_classes_or_numbers_as_the_user_says(tmp_path, monkeypatch):
    """Oracle: the file: stars are 0 to 3, each in 10 rows."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "things.csv").write_text(RATED)
    data = upload(RATED)
    assert data.class_names == ()
    text = (
        "stars has 4 different integers, which are treated as numbers. If they are classes, choose"
    )
    assert text in " ".join(data.messages)
    classes = upload(RATED, target_type="category")
    assert classes.class_names == ("0", "1", "2", "3")
    assert classes.output_head() == (4, "softmax", "sparse_categorical_crossentropy")
    assert (data.has_target_type, data.has_column_types) == (True, True)
    assert not any("different integers" in text for text in classes.messages)
    y = np.concatenate([classes.y, classes.test[1]])
    assert sorted(y.tolist()) == [0] * 10 + [1] * 10 + [2] * 10 + [3] * 10
    assert_same_rows(classes)
    two = upload(TWO_COLUMNS.replace(b"cat", b"3").replace(b"dog", b"7"), test_share=0)
    assert two.class_names == ("3", "7")
    number = upload(
        TWO_COLUMNS.replace(b"cat", b"3").replace(b"dog", b"7"), test_share=0, target_type="number"
    )
    assert number.class_names == ()
    assert set(number.y.tolist()) == {3, 7}


def test_a_target_that_cannot_be_what_the_user_says():
    fix = "Choose classes for the target, or correct these cells in the file."
    with pytest.raises(DataError, match=rf"target 'kind': expected numbers. .*'cat'.*{fix}"):
        upload(TWO_COLUMNS, target_type="number")
    many = "a,b\n" + "\n".join(f"{i % 7},{i}.5" for i in range(200))
    with pytest.raises(DataError, match=r"2 to 100 classes, or numbers. Received: classes=200"):
        upload(many, target="b", target_type="category")


def test_types_of_columns_are_those_of_fit(tmp_path, monkeypatch):
    """Oracle: `fit` with the same types, and counting: zip is 10, 11 and 12."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "things.csv").write_text(RATED)
    types = {"zip": "category", "size": "drop"}
    data = upload(RATED, column_types=types)
    kinds = {each.name: (each.kind, each.used, each.type) for each in data.columns}
    assert kinds == {"size": ("left out", False, "drop"), "zip": ("category", True, "category")}
    assert data.columns[1].detail == "10, 11, 12"
    assert data.kind == "table"
    assert data.column_types == {"zip": "category"}
    model = gn.Sequential([gn.layers.Dense(1)], seed=0)
    model.fit(data.x, data.y, **data.fit_options, validation_data=data.test, epochs=0, verbose=0)
    assert model.preprocessor.feature_names == ("zip=10", "zip=11", "zip=12")
    assert_same_rows(data)
    text = upload(MIXED, column_types={"color": "number", "id": "number"})
    assert [each.kind for each in text.columns] == ["number", "left out", "number"]
    assert text.columns[1].detail == "it holds no number"
    assert "column_types" not in upload(MIXED, target="width").fit_options
    flags = upload("flag,size,kind\n1,2,a\n0,3,b\n1,5,a\n0,4,b\n", column_types={"flag": "boolean"})
    assert [each.kind for each in flags.columns] == ["boolean", "number"]
    other = upload(MIXED, target="color", column_types={"color": "category"})
    assert other.column_types == {}
    with pytest.raises(ConfigError, match=r"column_types: expected one of .*name='colour'"):
        upload(MIXED, column_types={"colour": "number"})


def test_test_rows_of_another_class_are_refused():
    frames = [{"a": [1.0, 2.5, 3.0], "b": ["x", "y", "x"]}, {"a": [1.0], "b": ["z"]}]
    own = own_data(frames[0], target="b", validation_data=frames[1])
    with pytest.raises(DataError, match=r"target 'b': expected classes of the training rows.*'z'"):
        make_data(DataSettings("own"), own)


def test_the_default_target_is_the_last_column_that_can_be_one():
    rows = [f"{i % 7},{'ab'[i % 2]},always" for i in range(30)]
    data = upload("n,kind,note\n" + "\n".join(rows))
    assert data.target_name == "kind"
    assert "The target is kind, the last column that can be one." in data.messages
    with pytest.raises(DataError, match=r"target 'note': expected 2 to 100 classes, or numbers"):
        upload("n,kind,note\n" + "\n".join(rows), target="note")
    with pytest.raises(DataError, match=r"expected 2 to 100 classes"):
        upload("a,b\nx,y\nx,y\n")


def test_rows_without_a_target_are_left_out():
    rows = [f"{i % 7},{i % 3},{'' if i < 5 else 'ab'[i % 2]}" for i in range(40)]
    data = upload("a,b,kind\n" + "\n".join(rows))
    assert data.n_train + data.n_test == 35
    assert "5 of 40 rows lack kind: left out" in data.messages


def test_no_column_to_learn_from():
    rows = "\n".join(f"{i},{'ab'[i % 2]}" for i in range(40))
    with pytest.raises(
        DataError, match=r"a column to learn from. Received: target=.*columns=.*numbers th"
    ):
        upload("id,kind\n" + rows)


def test_what_is_wrong_with_a_table_is_said_in_the_words_of_the_page():
    """Oracle: the file, and the types that the page offers."""
    rows = [f"{'inf' if i == 20 else i / 7},{i % 7},{'ab'[i % 2]}" for i in range(40)]
    column = upload("a,b,kind\n" + "\n".join(rows)).columns[0]
    assert column.detail.endswith('Leave those cells blank, or choose the type "left out".')
    rows = [f"{'oops' if i == 20 else i},{i % 7},{'ab'[i % 2]}" for i in range(40)]
    column = upload("a,b,kind\n" + "\n".join(rows)).columns[0]
    expected = 'Correct them, or choose the type "number" to count them as missing, or "category".'
    assert column.detail.endswith(expected)
    with pytest.raises(DataError, match=r"Received: target='a', columns=\{'b': 'it is always x'\}"):
        upload("a,b\n" + "\n".join(f"{i}.5,x" for i in range(40)))


def test_classes_that_are_numbers_with_signs_are_mentioned():
    data = upload("a,price\n" + "\n".join(f"{i / 7},${i % 9}.00" for i in range(90)))
    assert len(data.class_names) == 9
    text = "price is text, such as $0.00, so its 9 different values are classes. To have numbers: "
    assert text + "write them with digits and a decimal point only." in data.messages


def test_numbers_beyond_float32_stay_in_the_table():
    """Oracle: float32 holds numbers up to 3.4e38; a table's target is scaled first."""
    rows = "\n".join(f"{i / 7},{i}e37" for i in range(60))
    data = upload("a,y\n" + rows)
    assert data.kind == "table"
    assert upload("a,y\n" + rows.replace("e37", "e35")).kind == "line"


def test_more_rows_than_the_limit_are_sampled(monkeypatch):
    """Oracle: the limit, set to 20; the rows are those of the file."""
    monkeypatch.setattr("glassnet.studio_app.row_selection.MAX_ROWS", 20)
    data = upload(MIXED, test_share=0)
    assert data.n_train == 20
    assert "The data have 30 rows. A random part of 20 rows is used." in data.messages
    ids = data.x["width"]
    assert len(set(ids)) == 20
    arrays = own_data(np.arange(60.0).reshape(30, 2), np.arange(30) % 2)
    assert make_data(DataSettings("own", test_share=0), arrays).n_train == 20


def test_own_arrays_are_split_or_come_with_test_rows():
    x, y = np.arange(80, dtype=np.float32).reshape(20, 4), np.arange(20) % 2
    data = make_data(DataSettings("own"), own_data(x, y))
    assert (data.kind, data.n_train, data.n_test) == ("table", 14, 6)
    assert data.feature_names == ("x1", "x2", "x3", "x4")
    data = make_data(DataSettings("own"), own_data(x, y, validation_data=(x[:3], y[:3])))
    assert (data.n_train, data.n_test) == (20, 3)
    np.testing.assert_array_equal(data.test[0], x[:3])


def test_data_that_are_missing():
    with pytest.raises(DataError, match=r"a table of yours. Received: file=None. Choose a file"):
        make_data(DataSettings("own"))
    with pytest.raises(ConfigError, match=r"dataset: expected one of .*Did you mean 'moons'"):
        make_data(DataSettings("moon"))


def test_a_script_in_a_name_stays_text():
    """Oracle: the name, unchanged."""
    name = "<script>alert(1)</script>"
    data = upload(TWO_COLUMNS.replace(b"width", name.encode()))
    assert data.feature_names[0] == name
