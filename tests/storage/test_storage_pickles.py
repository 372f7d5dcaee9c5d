"""A pickled model contains the bytes of its file, and the copy trains identically.

Oracle: the original model, and the bytes that `save` writes.
"""

import copy
import json
import multiprocessing
import pickle
import pickletools
import subprocess
import sys
from dataclasses import dataclass

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from crafted import saved, small
from test_storage_models import TABLE, everything
from test_storage_resume import FOLDERS, KINDS, result

import glassnet as gn
from copying import WAYS, pickled
from glassnet.errors import ModelFileError
from glassnet.layers import Dense, Dropout, Input, Layer
from nets import X, Y, fit_noisy, noisy_model, plain_model, same_bits


@dataclass(frozen=True)
class Scale(Layer):
    by: float = 2.0

    def init(self, rng, shape):
        return {"scale": np.full(shape, self.by, np.float32)}

    def __call__(self, params, x):
        return params["scale"] * x


def swish(x):
    return x / (1 + jnp.exp(-x))


@jax.jit
def jitted(x):
    return jnp.where(x > 0, x, 0.1 * x)


def distance(y_true, y_pred):
    return jnp.abs(y_true - y_pred).sum(-1)


def blob(model):
    """Return the single bytes object in a model's pickle."""
    long = [arg for _, arg, _ in pickletools.genops(pickle.dumps(model)) if isinstance(arg, bytes)]
    assert len(long) == 1
    return long[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_twin_trains_on(kind, way):
    model, fit = KINDS[kind]()
    fit(model, 2)
    twin = WAYS[way](model)
    assert everything(twin) == everything(model)
    rows = TABLE if model.preprocessor else X
    np.testing.assert_array_equal(twin.predict(rows), model.predict(rows))
    assert result(twin, fit, 3) == result(model, fit, 3)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_all_protocols(protocol):
    model = small(optimizer="adam")
    assert same_bits(pickle.loads(pickle.dumps(model, protocol)), model)


def test_a_pickle_holds_the_file_and_little_else(tmp_path):
    """At most 600 bytes more: the class, four keys and pickle's own overhead."""
    model = gn.Sequential([Input(20), Dense(100), Dense(50)], seed=0)
    file = saved(model, tmp_path / "m").read_bytes()
    assert blob(model) == file
    assert len(file) < len(pickle.dumps(model)) < len(file) + 600
    assert blob(pickled(model)) == file
    names = {
        arg
        for _, arg, _ in pickletools.genops(pickle.dumps(model))
        if isinstance(arg, str) and "." in arg
    }
    assert names == {"glassnet.models.sequential"}


def test_in_stages_of_a_models_life():
    """Not built, only an input, only compiled, and without layers."""
    stages = [
        gn.Sequential([Dense(3, activation="relu"), Dropout(0.25), Dense(1)]),
        gn.Sequential([Input(4)], seed=5),
        noisy_model(),
        gn.Sequential(seed=3),
    ]
    for model in stages:
        twin = pickled(model)
        assert everything(twin) == everything(model)
        assert twin._input == model._input


def test_pickling_draws_the_weights_that_both_then_have():
    model = gn.Sequential([Input(3), Dense(2)])
    assert same_bits(pickled(model), model)


def test_what_was_observed_is_kept():
    """A pickle contains observations, unlike a file."""
    model = plain_model()
    model.fit(X, Y, epochs=1, verbose=0, observe=True)
    twin = pickled(model)
    assert len(twin.history.observations) == len(model.history.observations) > 0
    for ours, theirs in zip(model.history.observations, twin.history.observations, strict=True):
        assert (ours.epoch, ours.step) == (theirs.epoch, theirs.step)
        np.testing.assert_array_equal(ours.values, theirs.values)


class Noted(gn.Sequential):
    """Subclass with an additional attribute."""


@pytest.mark.parametrize("way", WAYS)
def test_attributes_of_ones_own_and_the_class_are_kept(way):
    model = Noted([Input(2), Dense(2)], seed=0)
    model.note = ["mine"]
    model.itself = model
    twin = WAYS[way](model)
    assert type(twin) is Noted
    assert twin.note == ["mine"]
    assert (twin.note is model.note) == (way == "copy")
    assert twin.itself is (model if way == "copy" else twin)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
def test_a_copy_lives_a_life_of_its_own(way):
    model = noisy_model()
    fit_noisy(model, 1)
    before, losses = model.get_weights(), list(model.history.history["loss"])
    twin = way(model)
    fit_noisy(twin, 2)
    twin.set_weights([0 * weight for weight in twin.get_weights()])
    assert all(map(np.array_equal, before, model.get_weights()))
    assert model.history.history["loss"] == losses
    assert model.epoch == 1


def test_a_deep_copy_has_a_history_of_its_own():
    model = small()
    copy.deepcopy(model).history.history["loss"].clear()
    assert len(model.history.history["loss"]) == 2


def own_parts():
    """Return a model with custom and jax functions, plain and decorated, in every place."""
    hidden = [
        Dense(3, activation=act) for act in (swish, jitted, jnp.sin, jax.nn.hard_silu, jax.nn.gelu)
    ]
    model = gn.Sequential([Input(2), Scale(3.0), *hidden, Dense(1)], seed=0)
    model.compile("adam", distance, [distance])
    model.fit(np.eye(2), np.ones((2, 1)), epochs=2, verbose=0)
    return model


def test_classes_and_functions_of_ones_own_come_by_reference():
    model = own_parts()
    twin = pickled(model)
    assert twin._layers == model._layers
    assert type(twin._layers[0]) is Scale
    assert {swish, jitted, jnp.sin} < {layer.activation for layer in twin._layers[1:6]}
    assert same_bits(twin, model)
    for one in (model, twin):
        one.fit(np.eye(2), np.ones((2, 1)), epochs=2, verbose=0)
    assert same_bits(twin, model)


def by_hand():
    """Return a decorated function that no module contains."""

    @jax.jit
    def inner(x):
        return 2 * x

    return inner


SLOPE = jax.jit(jax.vmap(jax.vmap(jax.grad(jitted))))


@pytest.mark.parametrize(
    "function", [by_hand(), SLOPE, jax.jit(swish)], ids=["inner", "slope", "bare"]
)
def test_a_function_that_is_not_what_stands_in_the_module_is_left_to_pickle(function):
    """A derivative with the name of its function is never confused with it.

    Cloudpickle, which joblib uses, can pickle all of them.
    """
    model = gn.Sequential([Input(2), Dense(1, activation=function)], seed=0)
    with pytest.raises((pickle.PicklingError, AttributeError), match=r"pickle|local object"):
        pickle.dumps(model)
    carried = pickle.loads(cloudpickle.dumps(model))._layers[0].activation
    np.testing.assert_array_equal(carried(np.eye(2)), function(np.eye(2)))


REFUSED = {
    "a lambda": (
        lambda: gn.Sequential([Input(2), Dense(1, activation=lambda x: x)], seed=0),
        r"model.layers\[0\].activation: expected",
    ),
    "Optax": (lambda: optax_model(), r"model.optimizer.*: expected something that can be saved"),
    "a name": (
        lambda: gn.Sequential([Input(2), Dense(1, name="a?b")], seed=0),
        "layer: expected a name of letters",
    ),
}


def optax_model():
    optax = pytest.importorskip("optax")
    model = gn.Sequential([Input(2), Dense(1)], seed=0)
    model.compile(gn.optimizers.Optax(optax.adam(0.1)), "mse")
    model.fit(np.eye(2), np.ones((2, 1)), verbose=0)
    return model


@pytest.mark.parametrize("what", REFUSED)
def test_what_files_refuse_is_refused_in_their_words_and_can_be_copied(what):
    make, says = REFUSED[what]
    model = make()
    with pytest.raises(ModelFileError, match=says):
        pickle.dumps(model)
    for way in (copy.copy, copy.deepcopy):
        twin = way(model)
        assert same_bits(twin, model)
        np.testing.assert_array_equal(twin.predict(np.eye(2)), model.predict(np.eye(2)))


def trained_elsewhere(model):
    """Train a model in another process."""
    return result(model, fit_noisy, 2), own_parts()


@pytest.mark.slow
def test_to_a_process_and_back():
    """A spawned process inherits nothing, so the model is pickled in both directions."""
    model = noisy_model()
    fit_noisy(model, 2)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        theirs_result, their_model = pool.apply(trained_elsewhere, (model,))
    assert theirs_result == result(model, fit_noisy, 2)
    assert same_bits(their_model, own_parts())


@pytest.mark.slow
def test_in_another_process_with_other_hashes(tmp_path):
    model = noisy_model()
    fit_noisy(model, 2)
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(model))
    code = f"""
import sys; sys.path += {FOLDERS}
import json, pickle
from test_storage_resume import fit_noisy, result
print(json.dumps(result(pickle.load(open(sys.argv[1], "rb")), fit_noisy, 3)))
"""
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, tmp_path / "m.pkl"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(process.stdout) == result(model, fit_noisy, 3)
