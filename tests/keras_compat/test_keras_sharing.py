"""`keras.Sequential` with layers of other models, callbacks that change it, files and subclasses.

Oracles: a model of the same weights that shares nothing, arithmetic, and `glassnet.Sequential`.
"""

import copy
import gc
import weakref

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from copying import WAYS
from glassnet import keras
from glassnet.errors import ConfigError, DataError
from glassnet.keras.layers import Dense
from nets import SPARSE, X, Y, same_bits
from oracles import EXACT, FLOAT32, close

DEEP_WAYS = {name: way for name, way in WAYS.items() if name != "copy"}


def features(seed=0):
    return keras.Sequential([Dense(4, "tanh", input_shape=(4,))], seed=seed)


def on_top(layers, seed=1):
    """Return a compiled model of these layers and a new last one."""
    model = keras.Sequential([*layers, Dense(3, "softmax")], seed=seed)
    model.compile("adam", SPARSE)
    return model


def softmax(z):
    exp = np.exp(z)
    return exp / exp.sum(1, keepdims=True)


def outputs_of(weights):
    """Return the outputs of `on_top(features().layers)` with these weights, by hand."""
    kernel, bias, last_kernel, last_bias = weights
    return softmax(np.tanh(X @ kernel + bias) @ last_kernel + last_bias)


@pytest.mark.parametrize("way", DEEP_WAYS)
def test_the_copy_of_a_model_shares_with_the_copy_of_the_other(way):
    base = features()
    model = on_top(base.layers)
    model.fit(X, Y, verbose=0)
    twin, base_twin = DEEP_WAYS[way]([model, base])
    for one in (model, twin):
        one.fit(X, Y, verbose=0)
    assert same_bits(twin, model)
    for learned, shared in zip(twin.get_weights(), base_twin.get_weights(), strict=False):
        close(learned, shared, EXACT)
    base_twin.set_weights([weight * 0 for weight in base_twin.get_weights()])
    close(twin.predict(X[:2])[0], twin.predict(X[:2])[1], EXACT)
    assert not np.array_equal(*model.predict(X[:2]))


@pytest.mark.parametrize("way", DEEP_WAYS)
def test_a_callback_may_keep_a_model_with_shared_layers(way):
    """The copies are of the epoch, and what happens to them does not affect the fit."""

    class Keeper(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            copies.append(DEEP_WAYS[way](self.model))
            copies[-1].fit(X, Y, verbose=0)

    models = [on_top(features().layers) for _ in range(2)]
    copies = []
    models[0].fit(X, Y, epochs=2, verbose=0, callbacks=[Keeper()])
    models[1].fit(X, Y, epochs=2, verbose=0)
    assert same_bits(*models)
    assert [twin.epoch for twin in copies] == [2, 3]
    assert same_bits(copies[0], models[0])


@pytest.mark.parametrize("whole", [True, False])
def test_weights_of_a_shared_layer_that_a_callback_sets_reach_the_other_model(whole):
    class Sets(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            ones = [np.ones((4, 4)), np.ones(4)]
            if whole:
                self.model.set_weights([*ones, *self.model.get_weights()[2:]])
            else:
                self.model.layers[0].set_weights(ones)
            close(self.model.get_weights()[0], np.ones((4, 4)), EXACT)

    base = features()
    model = on_top(base.layers)
    model.fit(X, Y, verbose=0, callbacks=[Sets()])
    for weights in (model.get_weights(), base.get_weights()):
        close(weights[0], np.ones((4, 4)), EXACT)
        close(weights[1], np.ones(4), EXACT)
    close(model.predict(X), outputs_of(model.get_weights()), FLOAT32)


def test_a_frozen_layer_of_another_model_is_not_trained():
    """Transfer learning: the new layer is trained on the outputs of the old one.

    Oracle: the new layer trained alone on those outputs.
    """
    base = keras.Sequential([Dense(4, "tanh", trainable=False, input_shape=(4,))], seed=0)
    model, before = on_top([base]), base.get_weights()
    start = on_top([base]).get_weights()[2:]
    alone = keras.Sequential([Dense(3, "softmax", input_shape=(4,))], seed=1)
    alone.compile("adam", SPARSE)
    alone.set_weights(start)
    for one, inputs in ((model, X), (alone, base.predict(X))):
        one.fit(inputs, Y, epochs=3, verbose=0)
    for learned, old in zip(base.get_weights(), before, strict=True):
        close(learned, old, EXACT)
    for learned, other in zip(model.get_weights()[2:], alone.get_weights(), strict=True):
        close(learned, other, FLOAT32)
    assert not np.array_equal(model.get_weights()[2], start[0])


def test_a_glassnet_model_may_be_added():
    inner = gn.Sequential([gn.layers.Input(4), gn.layers.Dense(4, activation="tanh")], seed=0)
    model = on_top([inner])
    model.fit(X, Y, verbose=0)
    for learned, shared in zip(model.get_weights(), inner.get_weights(), strict=False):
        close(learned, shared, EXACT)
    close(model.predict(X), outputs_of(model.get_weights()), FLOAT32)


class Named(keras.Sequential):
    """A user's model with attributes and methods of its own."""

    def __init__(self, layers=None, *, note="", **options):
        super().__init__(layers, **options)
        self.note = [note]

    def classify(self, x):
        return self.predict(x).argmax(-1)


@pytest.mark.parametrize("way", WAYS)
def test_the_subclass_and_the_attributes_of_a_user_are_copied(way):
    model = Named([Dense(3, "softmax", input_shape=(4,))], note="first", name="mine", seed=0)
    model.compile("adam", SPARSE)
    model.fit(X, Y, verbose=0)
    model.extra = {"classes": [0, 1, 2]}
    twin = WAYS[way](model)
    assert type(twin) is Named
    assert (twin.note, twin.extra, twin.name) == (["first"], {"classes": [0, 1, 2]}, "mine")
    assert (twin.extra is model.extra) == (way == "copy")
    np.testing.assert_array_equal(twin.classify(X), model.classify(X))
    twin.fit(X, Y, verbose=0)
    assert (twin.epoch, model.epoch) == (2, 1)


def two_models():
    """Return a model of `glassnet.keras` and one of Glassnet with the same layers and seed."""
    ours = gn.Sequential([gn.layers.Input(4), gn.layers.Dense(3, activation="softmax")], seed=0)
    theirs = keras.Sequential([Dense(3, "softmax", input_shape=(4,))], seed=0)
    for model in (theirs, ours):
        model.compile("adam", SPARSE, ["accuracy"])
        model.fit(X, Y, verbose=0)
    return theirs, ours


def test_everything_of_a_glassnet_model_works(tmp_path):
    """Oracle: `glassnet.Sequential`."""
    model, ours = two_models()
    np.testing.assert_array_equal(model.predict_labels(X), ours.predict_labels(X))
    np.testing.assert_array_equal(
        model.trace(X[:2], Y[:2]).links[0].delta, ours.trace(X[:2], Y[:2]).links[0].delta
    )
    close(model.params["dense_1"]["kernel"], ours.params["dense_1"]["kernel"], EXACT)
    assert (model.seed, model.epoch, model.learning_rate) == (
        ours.seed,
        ours.epoch,
        ours.learning_rate,
    )
    assert (model.preprocessor, repr(model)) == (None, "Sequential(dense_1)")
    model.save_weights(tmp_path / "w.safetensors")
    for one in (model, ours):
        one.learning_rate = 0.25
        one.fit(X, Y, verbose=0)
    assert same_bits(model, ours)
    model.load_weights(tmp_path / "w.safetensors")
    assert not same_bits(model, ours)
    for one in (model, ours):
        one.reset(seed=3)
        one.fit(X, Y, verbose=0)
    assert same_bits(model, ours)
    assert (model.seed, model.epoch) == (3, 1)


def test_either_library_loads_the_file_of_the_other(tmp_path):
    model, ours = two_models()
    model.save(tmp_path / "keras.glassnet")
    ours.save(tmp_path / "ours.glassnet")
    loaded = gn.load(tmp_path / "keras.glassnet")
    assert type(loaded) is gn.Sequential
    theirs = keras.models.load_model(tmp_path / "ours.glassnet")
    assert type(theirs) is keras.Sequential
    for one in (model, ours, loaded, theirs):
        one.fit(X, Y, verbose=0)
        assert same_bits(one, model)
        assert one.history.history == model.history.history


def test_a_model_loaded_without_its_settings_is_compiled_again(tmp_path):
    """It trains like a model with the same weights and a new optimizer."""
    model, _ = two_models()
    model.save(tmp_path / "m.keras")
    plain = keras.models.load_model(tmp_path / "m.keras", compile=False)
    assert plain.optimizer is None
    np.testing.assert_array_equal(plain.predict(X), model.predict(X))
    model.compile("sgd", SPARSE)
    plain.compile("sgd", SPARSE)
    for one in (model, plain):
        one.fit(X, Y, verbose=0)
    assert same_bits(plain, model)
    assert plain.metrics_names == ["loss"]


def test_a_new_layer_after_the_shape_is_set():
    model = keras.Sequential([Dense(4)])
    model.build((None, 3))
    model.add(Dense(2))
    assert (model.input_shape, model.output_shape, model.count_params()) == (
        (None, 3),
        (None, 2),
        26,
    )
    first = model.get_weights()
    model.add(Dense(1))
    assert model.output_shape == (None, 1)
    for weights, before in zip(model.get_weights()[:4], first, strict=True):
        close(weights, before, EXACT)


def test_a_shallow_copy_has_its_own_layers_and_settings():
    model = features()
    twin = copy.copy(model)
    twin.add(Dense(2))
    twin.compile("sgd", "mse")
    assert (len(model.layers), len(twin.layers), model.optimizer) == (1, 2, None)


@pytest.mark.parametrize("way", ["itself", *WAYS])
def test_a_fit_with_shared_layers_of_no_known_shape(way):
    """The shapes come from the data; the inner models bring the weights that they have."""
    base = features()
    start = base.get_weights()
    model = on_top([Dense(4, "linear", False, "ones"), *base.layers])
    model = WAYS[way](model) if way in WAYS else model
    seen = []

    class Looks(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.extend(self.model.get_weights()[1:3])

    model.fit(X, Y, verbose=0, callbacks=[Looks()])
    for weight, other in zip(seen, start, strict=True):
        close(weight, other, EXACT)


def test_a_failed_fit_leaves_the_model_ready_for_another():
    model = on_top(features().layers)
    with pytest.raises(ConfigError, match="batch_size"):
        model.fit(X, Y, batch_size=0, verbose=0)
    other = on_top(features().layers)
    for one in (model, other):
        one.fit(X, Y, verbose=0)
    assert same_bits(model, other)


def ones_like(weights):
    return [np.ones_like(weight) for weight in weights]


READS = {
    "get_weights": lambda model, path: model.get_weights()[0],
    "layer": lambda model, path: model.layers[0].get_weights()[0],
    "get_layer": lambda model, path: model.get_layer("dense_1").get_weights()[0],
    "params": lambda model, path: model.params["dense_1"]["kernel"],
    "trace": lambda model, path: model.trace(X[:2], Y[:2]).links[0].params["kernel"],
    "file": lambda model, path: save(model, path).get_weights()[0],
    "weights": lambda model, path: save_weights(model, path).get_weights()[0],
}


def save(model, path):
    model.save(path / "m.glassnet")
    return gn.load(path / "m.glassnet")


def save_weights(model, path):
    model.save_weights(path / "w.safetensors")
    twin = on_top([keras.Input((4,)), *features(seed=5).layers])
    twin.load_weights(path / "w.safetensors")
    return twin


@pytest.mark.parametrize("read", READS)
def test_whatever_reads_the_weights_sees_those_of_the_other_model(read, tmp_path):
    base = features()
    model = on_top([keras.Input((4,)), *base.layers])
    model.predict(X)
    base.set_weights(ones_like(base.get_weights()))
    close(READS[read](model, tmp_path), np.ones((4, 4)), EXACT)


USES = {
    "predict": (lambda model: model.predict(X), lambda p: p),
    "call": (lambda model: model(X), lambda p: p),
    "predict_labels": (lambda model: model.predict_labels(X), lambda p: p.argmax(1)),
    "evaluate": (
        lambda model: model.evaluate(X, Y),
        lambda p: -np.log(p[np.arange(len(Y)), Y]).mean(),
    ),
}


@pytest.mark.parametrize("use", USES)
def test_whatever_uses_the_weights_uses_those_of_the_other_model(use):
    """Oracle: the outputs by hand."""
    call, expected = USES[use]
    base = features()
    model = on_top([base])
    last = model.get_weights()[2:]
    model.predict(X)
    base.set_weights(ones_like(base.get_weights()))
    outputs = outputs_of([np.ones((4, 4)), np.ones(4), *last])
    close(call(model), expected(outputs), FLOAT32)


WRITES = {
    "set_weights": lambda model, path: model.set_weights(ones_like(model.get_weights())),
    "layer": lambda model, path: model.layers[0].set_weights(
        ones_like(model.layers[0].get_weights())
    ),
    "weights": lambda model, path: model.load_weights(weights_of_ones(path)),
}


def weights_of_ones(path):
    model = on_top([keras.Input((4,)), *features().layers])
    model.set_weights(ones_like(model.get_weights()))
    model.save_weights(path / "w.safetensors")
    return path / "w.safetensors"


@pytest.mark.parametrize("write", WRITES)
def test_weights_that_are_set_reach_the_other_model_and_stay(write, tmp_path):
    base = features()
    model = on_top([keras.Input((4,)), *base.layers])
    WRITES[write](model, tmp_path)
    close(base.get_weights()[0], np.ones((4, 4)), EXACT)
    model.predict(X)
    close(model.get_weights()[0], np.ones((4, 4)), EXACT)


@pytest.mark.parametrize("way", ["itself", *DEEP_WAYS])
def test_a_model_in_a_model_in_a_model(way):
    """The three share one layer, whichever of them is trained or set."""
    inner = features()
    middle = keras.Sequential([inner, Dense(4, "tanh")], seed=1)
    outer = on_top(middle.layers, seed=2)
    models = [inner, middle, outer]
    if way != "itself":
        models = DEEP_WAYS[way](models)
    models[2].fit(X, Y, verbose=0)
    kernel = models[2].get_weights()[0]
    assert not np.array_equal(kernel, features().get_weights()[0])
    for model in models:
        close(model.get_weights()[0], kernel, EXACT)
    models[0].set_weights(ones_like(models[0].get_weights()))
    close(models[2].get_weights()[0], np.ones((4, 4)), EXACT)
    models[1].set_weights([2 * weight for weight in models[1].get_weights()])
    for model in models:
        close(model.get_weights()[0], np.full((4, 4), 2), EXACT)


def test_a_callback_may_use_the_added_model_after_every_epoch():
    """As in Keras, where both models have one layer: for example, to plot an encoder's codes."""
    seen, base = [], features()
    model = on_top([base])

    class Looks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((base.get_weights()[0], self.model.get_weights()[0]))

    model.fit(X, Y, epochs=2, verbose=0, callbacks=[Looks()])
    for inner, outer in seen:
        close(inner, outer, EXACT)
    assert not np.array_equal(seen[0][0], seen[1][0])


def test_what_a_failed_fit_has_learned_is_in_both_models():
    class Fails(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("after the first epoch")

    base = features()
    model, other = (
        on_top([keras.Input((4,)), *base.layers]),
        on_top([keras.Input((4,)), *features().layers]),
    )
    with pytest.raises(RuntimeError, match="after the first epoch"):
        model.fit(X, Y, epochs=3, verbose=0, callbacks=[Fails()])
    other.fit(X, Y, verbose=0)
    assert same_bits(model, other)
    close(base.get_weights()[0], other.get_weights()[0], EXACT)


def test_weights_that_a_callback_loads_are_those_after_the_fit(tmp_path):
    class Loads(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.load_weights(weights_of_ones(tmp_path))

    base = features()
    model = on_top([keras.Input((4,)), *base.layers])
    model.fit(X, Y, verbose=0, callbacks=[Loads()])
    for weights in (model.get_weights(), base.get_weights()):
        close(weights[0], np.ones((4, 4)), EXACT)


def test_layers_of_another_input_shape_are_refused_every_time():
    """The model has no weights afterwards, neither its own nor those of the other model."""
    model = on_top([keras.Input((5,)), *features().layers])
    for _ in range(2):
        with pytest.raises(DataError, match="shape"):
            model.predict(np.zeros((2, 5)))
        assert not model.built


def test_a_text_model_may_be_added_before_and_after_its_first_use():
    text = keras.layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=2)
    layers = [text, keras.layers.Embedding(4, 2), keras.layers.GlobalAveragePooling1D()]
    model = keras.Sequential(layers, seed=0)
    outputs = []
    for _ in range(2):
        outer = keras.Sequential([model, keras.layers.Softmax()], seed=1)
        outputs.append(outer.predict(["a b", "c"]))
        close(outputs[-1], softmax(model.predict(["a b", "c"])), FLOAT32)
    close(*outputs, EXACT)


def test_an_empty_model_may_be_added():
    for empty in ([keras.Sequential(), keras.Input((4,))], [keras.Sequential([keras.Input((4,))])]):
        model = on_top(empty)
        assert model.input_shape == (None, 4)
        assert len(model.fit(X, Y, verbose=0).epoch) == 1


def test_a_layer_that_is_refused_is_not_shared():
    base = features()
    model = on_top([base])
    for added in (base, base.layers[0]):
        with pytest.raises(
            ConfigError, match=r"expected every layer once. .*repeated=\['dense_1'\]"
        ):
            model.add(added)
    assert len(model.fit(X, Y, verbose=0).epoch) == 1
    assert len(model.get_weights()) == 4


def test_dicts_of_columns_are_evaluated():
    """Oracle: the same rows as arrays."""
    batches = [{"x": X[:16], "y": Y[:16]}, {"x": X[16:32], "y": Y[16:32]}]
    model, _ = two_models()
    close(model.evaluate(batches, target="y"), model.evaluate(X[:32], Y[:32]), FLOAT32)


def test_every_public_name_of_a_glassnet_model_is_defined():
    """Set hooks on `model.glassnet_model`; `gn.selection` uses that model, too."""
    for_selection = {"get_settings", "describe_setup", "resolve_setup", "make_trained_copy"}
    for_layers = {
        "set_build_hook",
        "set_layers",
        "weight_paths",
        "compute_penalties",
        "resolve_metrics",
    } | {
        "get_weights_at",
        "set_weights_at",
        "get_link_weights",
        "weight_trees",
        "set_link_weights",
        "get_link_shape",
    }
    names = {name for name in dir(gn.Sequential()) if not name.startswith("_")}
    missing = names - set(dir(keras.Sequential))
    assert missing == {"predict_in_training"} | for_layers | for_selection
    model, ours = keras.Sequential(seed=3), gn.Sequential(seed=3)
    for name in ("seed", "epoch", "history", "preprocessor", "built"):
        assert getattr(model, name) == getattr(ours, name)
    model.seed = 4
    assert model.glassnet_model.seed == 4


def test_a_table_is_fitted(capsys):
    """Oracle: `glassnet.Sequential`."""
    table = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": np.where(Y > 0, "yes", "no")})
    model = keras.Sequential([Dense(1, "sigmoid")], seed=0)
    ours = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
    for one in (model, ours):
        one.fit(table, target="kind", epochs=2, verbose=0)
    assert same_bits(model, ours)
    np.testing.assert_array_equal(model.predict(table), ours.predict(table))
    np.testing.assert_array_equal(model.predict_labels(table), ours.predict_labels(table))
    assert model.evaluate(table) == ours.evaluate(table)
    for one in (model, ours):
        one.summary()
    first, second = capsys.readouterr().out.split("kind", 2)[1:]
    assert first.splitlines()[:3] == second.splitlines()[:3]


@pytest.mark.parametrize(
    "make", [features, lambda: on_top([keras.Input((4,)), *features().layers])]
)
def test_a_model_is_freed_at_once(make):
    """No reference cycle: the weights of a discarded model do not wait for the collector."""
    model = make()
    model.compile("adam", "mse")
    model.fit(X, np.zeros((len(X), model.output_shape[1])), verbose=0)
    refs = [weakref.ref(model), weakref.ref(model.glassnet_model)]
    gc.disable()
    try:
        del model
        assert [ref() for ref in refs] == [None, None]
    finally:
        gc.enable()


def test_a_model_with_shared_layers_adopts_the_seed_of_its_first_fit():
    """As every model without a seed and weights does: nothing draws its weights earlier."""
    models = [on_top([features()], seed=None) for _ in range(2)]
    for model in models:
        model.fit(X, Y, verbose=0, seed=5)
    assert (models[0].seed, models[1].seed) == (5, 5)
    assert same_bits(*models)
