"""Models at every stage are equal after saving and loading, and saved as the same bytes."""

import math
import subprocess
import sys

import numpy as np
import pytest
from crafted import arrays, edit_file, reload, saved, small

import glassnet as gn
from glassnet.errors import ModelFileError
from glassnet.layers import BatchNormalization, Dense, Dropout, Input, Normalization, Parallel
from nets import X, Y, fit_noisy, noisy_model, same_bits

TABLE = {
    "age": [31.0, None, 45.0, 22.0, 67.0, 38.0, 51.0, 29.0],
    "port": ["S", "C", "S", None, "Q", "S", "C", "S"],
    "paid": ["yes", "no", "yes", "yes", "no", "no", "yes", "no"],
    "seen": [
        "2024-01-05",
        "2024-02-06",
        "2024-03-07",
        "2024-04-08",
        "2024-05-09",
        "2024-06-10",
        "2024-07-11",
        "2024-08-12",
    ],
    "note": ["a", "b", "c", "d", "e", "f", "g", "h"],
    "price": [10.0, 200.0, 35.0, 80.0, 1200.0, 64.0, 5.0, 90.0],
    "kept": ["yes", "no", "no", "yes", "no", "yes", "yes", "no"],
}


def everything(model):
    """Return all comparable attributes of a model."""
    own = dict(vars(model))
    history = own.pop("history")
    for name in ("_params", "_state", "_optimizer_state", "_input", "_fit_lock"):
        own.pop(name)
    return own, None if history is None else history.to_data()


def test_never_built(tmp_path):
    model = gn.Sequential([Dense(3, activation="relu"), Dropout(0.25), Dense(1)])
    loaded = reload(model, tmp_path / "m")
    assert everything(loaded) == everything(model)
    assert loaded._input is None
    assert loaded.seed is None


def test_the_input_is_known_but_nothing_built(tmp_path):
    model = gn.Sequential([Input((2, 3)), Dense(3)], seed=5)
    loaded = reload(model, tmp_path / "m")
    assert loaded._network.shapes[0] == (2, 3)  # saving draws the weights
    assert same_bits(loaded, model)


def test_an_input_without_layers(tmp_path):
    loaded = reload(gn.Sequential([Input(4)], seed=5), tmp_path / "m")
    assert loaded._input == Input(4)
    loaded.add(Dense(2))
    assert loaded.count_params() == 4 * 2 + 2


def test_no_layers(tmp_path):
    loaded = reload(gn.Sequential(seed=3), tmp_path / "m")
    loaded.add(Dense(2))
    assert loaded.predict(np.eye(2)).shape == (2, 2)


def test_built_but_untrained(tmp_path):
    model = gn.Sequential([Input(4), Dense(3), BatchNormalization(), Dense(1)], seed=2)
    model.count_params()
    loaded = reload(model, tmp_path / "m")
    assert everything(loaded) == everything(model)
    assert same_bits(loaded, model)


def test_compiled_but_not_fitted(tmp_path):
    model = noisy_model()
    loaded = reload(model, tmp_path / "m")
    assert everything(loaded) == everything(model)
    fit_noisy(model, 2)
    fit_noisy(loaded, 2)
    assert same_bits(loaded, model)


def test_trained(tmp_path):
    model = noisy_model()
    fit_noisy(model, 3)
    loaded = reload(model, tmp_path / "m")
    assert everything(loaded) == everything(model)
    assert same_bits(loaded, model)
    assert loaded.epoch == 3
    assert repr(loaded.history) == repr(model.history)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_the_learning_rate_that_was_set(tmp_path):
    model = noisy_model()
    model.learning_rate = 0.0123
    assert reload(model, tmp_path / "m").learning_rate == model.learning_rate


def test_a_frozen_layer_stays_frozen(tmp_path):
    model = small([Dense(3, trainable=False, name="still"), Dense(1)])
    still = model.params["still"]["kernel"]
    loaded = reload(model, tmp_path / "m")
    loaded.fit(np.eye(2), np.ones(2), epochs=1, verbose=0)
    np.testing.assert_array_equal(loaded.params["still"]["kernel"], still)
    assert not np.array_equal(loaded.params["dense_2"]["kernel"], model.params["dense_2"]["kernel"])


def test_a_normalization_has_learned_once_and_for_all(tmp_path):
    model = small([Normalization(), Dense(1)])
    loaded = reload(model, tmp_path / "m")
    before = loaded.get_weights()[:3]
    loaded.fit(np.float32([[100, 200], [300, 500]]), np.ones(2), verbose=0)
    np.testing.assert_array_equal(
        np.concatenate(before[:2]), np.concatenate(loaded.get_weights()[:2])
    )


def test_a_table_of_labels(tmp_path):
    model = gn.Sequential([Dense(4, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    derive, columns = {"double": "age + age"}, {"port": "category", "note": "drop"}
    model.fit(TABLE, target="kept", epochs=2, verbose=0, derive=derive, column_types=columns)
    loaded = reload(model, tmp_path / "m")
    assert loaded.preprocessor == model.preprocessor
    assert everything(loaded) == everything(model)
    np.testing.assert_array_equal(loaded.predict(TABLE), model.predict(TABLE))
    assert loaded.predict_labels(TABLE).tolist() == model.predict_labels(TABLE).tolist()
    assert loaded.evaluate(TABLE) == model.evaluate(TABLE)


def test_a_table_of_log_quantities(tmp_path):
    model = gn.Sequential([Dense(4, activation="relu"), Dense(1)], seed=0)
    model.fit(
        TABLE,
        target="price",
        target_transform="log",
        column_types={"port": "category"},
        epochs=2,
        verbose=0,
        validation_split=0.25,
    )
    loaded = reload(model, tmp_path / "m")
    assert loaded.preprocessor == model.preprocessor
    assert loaded.preprocessor.target.log
    np.testing.assert_array_equal(loaded.predict(TABLE), model.predict(TABLE))
    assert loaded.evaluate(TABLE) == model.evaluate(TABLE)


@pytest.mark.parametrize("labels", [(0, 1), ("no", "yes"), (True, False), (-3, 7)])
def test_labels_keep_their_kind(tmp_path, labels):
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.fit({"x": [1.0, 2.0, 3.0, 4.0], "y": [labels[0], labels[1]] * 2}, target="y", verbose=0)
    loaded = reload(model, tmp_path / "m")
    assert loaded.preprocessor.target == model.preprocessor.target
    assert [type(label) for label in loaded.preprocessor.target.labels] == [
        type(label) for label in model.preprocessor.target.labels
    ]


def test_numbers_in_the_history_that_are_none(tmp_path):
    model = small()
    odd = [math.nan, math.inf, -math.inf, 5e-324, -0.0, 0.1 + 0.2, 1e300]
    model.history.history["odd"] = odd
    got = reload(model, tmp_path / "m").history.history["odd"]
    assert [value.hex() for value in got] == [value.hex() for value in odd]


def test_words_that_are_hard_to_write(tmp_path):
    model = small()
    model.history.stopped = (
        'a "quoted" \\ back\nslash, \u00fcml\u00e4ut, \U0001f40d, \x00 and \ud800'
    )
    assert reload(model, tmp_path / "m").history.stopped == model.history.stopped


def test_numbers_beyond_float32_are_measured_without_a_warning(tmp_path):
    """Warnings are errors here, and NumPy warns when it converts such a number to float32."""
    path = saved(small(), tmp_path / "m")
    edit_file(path, lambda model: model["layers"][1].update(epsilon=3.4e38))
    assert gn.load(path)._layers[1].epsilon == 3.4e38
    edit_file(path, lambda model: model["layers"][1].update(epsilon=1e300))
    with pytest.raises(ModelFileError, match=r"epsilon to be a number > 0\. Received: .*1e\+300"):
        gn.load(path)


def test_a_seed_of_128_bits(tmp_path):
    model = gn.Sequential([Input(2), Dense(2)], seed=2**128 - 1)
    loaded = reload(model, tmp_path / "m")
    assert loaded.seed == 2**128 - 1
    assert same_bits(loaded, model)


@pytest.mark.slow
def test_the_same_model_is_the_same_bytes(tmp_path):
    """Saved twice, after a load, and in processes with other hash seeds."""
    first = saved(small(optimizer="adam"), tmp_path / "a").read_bytes()
    loaded = gn.load(tmp_path / "a")
    assert saved(loaded, tmp_path / "b").read_bytes() == first
    assert saved(loaded, tmp_path / "b").read_bytes() == first
    code = "import sys, glassnet; glassnet.load(sys.argv[1]).save(sys.argv[2])"
    for seed in "123":
        subprocess.run(
            [sys.executable, "-c", code, tmp_path / "a", tmp_path / seed],
            check=True,
            env={"PYTHONHASHSEED": seed},
        )
        assert (tmp_path / seed).read_bytes() == first


def test_any_reader_of_safetensors_lists_the_arrays(tmp_path):
    from safetensors import safe_open
    from safetensors.numpy import load_file

    model = small(
        [
            Dense(2, name="first"),
            BatchNormalization(),
            Parallel([Dense(1), []], name="fork"),
            Dense(1),
        ],
        "adam",
    )
    loaded = load_file(saved(model, tmp_path / "m"))
    names = {name for name in loaded if not name.startswith("@optimizer/")}
    assert names == {
        "first/kernel", "first/bias", "fork/dense_1/kernel", "fork/dense_1/bias", "dense_2/kernel", "dense_2/bias",
        *(f"batch_normalization_1/{key}" for key in ("gamma", "beta", "moving_mean", "moving_variance")), "@rows",
    }  # fmt: skip
    np.testing.assert_array_equal(loaded["first/kernel"], model.params["first"]["kernel"])
    assert len(loaded) > 2 * len(names) - 3  # Adam stores two arrays per trainable weight
    assert loaded.keys() == arrays((tmp_path / "m").read_bytes()).keys()
    with safe_open(tmp_path / "m", "numpy") as file:
        assert list(file.metadata()) == ["glassnet"]


def test_weights_alone(tmp_path):
    """Weights load into a model with another seed, and keep the optimizer's state."""
    from safetensors.numpy import load_file

    model, other = small(optimizer="adam"), small(optimizer="adam", seed=9)
    model.save_weights(tmp_path / "w.safetensors")
    memory = other._optimizer_state
    other.load_weights(tmp_path / "w.safetensors")
    assert same_bits(other, model)
    assert other._optimizer_state is memory
    assert len(load_file(tmp_path / "w.safetensors")) == len(model.get_weights())
    fresh = small(optimizer="sgd", seed=4)
    model.save(tmp_path / "m")
    fresh.load_weights(tmp_path / "m")  # from a complete model, without its optimizer state
    assert same_bits(fresh, model)
    with pytest.raises(
        ModelFileError,
        match=r"load: expected a file that model\.save wrote\. .* Use model\.load_weights to read them",
    ):
        gn.load(tmp_path / "w.safetensors")


def test_weights_of_a_model_that_knows_no_shape(tmp_path):
    with pytest.raises(
        gn.errors.NotReadyError, match="save_weights: expected a model that knows its input's shape"
    ):
        gn.Sequential([Dense(1)]).save_weights(tmp_path / "w")


def test_a_loaded_model_is_nobody_elses(tmp_path):
    """Training one of two loaded models changes neither the other nor the file."""
    model = small(optimizer="adam")
    path = saved(model, tmp_path / "m")
    before = path.read_bytes()
    one, two = gn.load(path), gn.load(path)
    one.fit(X[:, :2], Y.astype(float), epochs=1, verbose=0)
    assert same_bits(two, model)
    assert not same_bits(one, model)
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [path]
