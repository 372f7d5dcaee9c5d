"""Error messages of the estimators. As usual in scikit-learn, `fit` checks all settings."""

import re

import numpy as np
import pytest

from glassnet.errors import ConfigError, DataError, TrainingWarning
from glassnet.estimators import NeuralClassifier, NeuralRegressor
from glassnet.layers import Dense

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
Y = np.arange(30) % 3
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def net(**settings):
    return NeuralClassifier(
        **{"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0} | settings
    )


def words(text):
    return "^" + re.escape(text)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"layers": Dense(3)}, "layers to be a list of layers or None"),
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes to be an int >= 1 or a list of them"),
        ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes to be an int >= 1 or a list of them"),
        ({"dropout": 1}, "dropout to be a fraction from 0 to below 1"),
        ({"alpha": -1}, "alpha to be a number >= 0"),
        ({"learning_rate_init": 0}, "learning_rate_init to be a number > 0"),
        ({"batch_size": "all"}, 'batch_size to be an int >= 1, "auto" or "full"'),
        ({"batch_size": 0}, 'batch_size to be an int >= 1, "auto" or "full"'),
        ({"max_iter": 0}, "max_iter to be an int >= 1"),
        ({"shuffle": "no"}, "shuffle to be a bool"),
        ({"tol": -0.1}, "tol to be a number >= 0"),
        ({"warm_start": 2}, "warm_start to be a bool"),
        ({"early_stopping": None}, "early_stopping to be a bool"),
        ({"validation_fraction": 1.0}, "validation_fraction to be a number between 0 and 1"),
        ({"n_iter_no_change": 0}, "n_iter_no_change to be an int >= 1 or inf"),
        ({"learning_rate": 0.1}, 'learning_rate to be "constant", "invscaling" or "adaptive"'),
        (
            {"learning_rate": "optimal"},
            'learning_rate to be "constant", "invscaling" or "adaptive"',
        ),
        ({"power_t": -0.5}, "power_t to be a number >= 0"),
        ({"momentum": 1.0}, "momentum to be a number from 0 to below 1"),
        ({"nesterovs_momentum": 1}, "nesterovs_momentum to be a bool"),
        ({"beta_1": 1}, "beta_1 to be a number from 0 to below 1"),
        ({"beta_2": -0.1}, "beta_2 to be a number from 0 to below 1"),
        ({"epsilon": 0}, "epsilon to be a number > 0"),
        ({"max_fun": 0}, "max_fun to be an int >= 1"),
        ({"verbose": "loud"}, 'verbose to be a bool, an int >= 0 or "auto"'),
        ({"verbose": -1}, 'verbose to be a bool, an int >= 0 or "auto"'),
    ],
    ids=str,
)
@pytest.mark.parametrize("make", [NeuralClassifier, NeuralRegressor])
def test_settings_out_of_range(make, setting, expected):
    model = make(**setting)
    ((name, value),) = setting.items()
    with pytest.raises(
        ConfigError,
        match=words(f"{make.__name__}: expected {expected}. Received: {name}={value!r}."),
    ):
        model.fit(X, Y)


@pytest.mark.parametrize(
    ("setting", "expected_message"),
    [
        ({"activation": "rellu"}, r"activation: expected one of .*Did you mean 'relu'\?"),
        ({"solver": "lbfgs"}, r"solver: expected one of sgd, .* Received: name='lbfgs'\."),
        ({"solver": 3}, "optimizer: expected a name or an Optimizer"),
        ({"random_state": "one"}, "'one' cannot be used to seed"),
        ({"layers": [3]}, "Sequential: expected layers"),
        (
            {"layers": [Dense(3, activation="softmax")]},
            "layers: expected hidden layers, without a softmax at the end. Received: last_activation='softmax'. Remove the softmax: the output layer is added for you.",
        ),
    ],
    ids=str,
)
def test_settings_that_are_looked_up(setting, expected_message):
    with pytest.raises(ValueError, match=expected_message):
        net(**setting).fit(X, Y)


@pytest.mark.parametrize(
    ("y", "expected_message"),
    [
        (
            np.ones(30),
            "NeuralClassifier: expected at least two classes, not one class. Received: classes=[1.0]. With one class there is nothing",
        ),
        (X[:, 0], "Unknown label type: continuous"),
        (
            np.column_stack([Y, Y]),
            "NeuralClassifier: expected one label per row, or columns of 0 and 1. Received: y='multiclass-multioutput'. For several targets",
        ),
    ],
    ids=["one", "numbers", "table"],
)
def test_labels(y, expected_message):
    with pytest.raises(ValueError, match=words(expected_message)):
        net().fit(X, y)


@pytest.mark.parametrize(
    ("class_weight", "error", "expected_message"),
    [
        (
            "even",
            ConfigError,
            'NeuralClassifier: expected class_weight to be None, "balanced" or {class: number >= 0}. Received: class_weight=\'',
        ),
        (
            {0: -1},
            ConfigError,
            'NeuralClassifier: expected class_weight to be None, "balanced" or {class: number >= 0}',
        ),
        (
            {7: 1},
            DataError,
            "NeuralClassifier: expected class_weight for known classes. Received: unknown=[7]. The classes are [0, 1, 2].",
        ),
        (
            {0: 0, 1: 0, 2: 0},
            DataError,
            "NeuralClassifier: expected class_weight above 0 for a class in y.",
        ),
    ],
    ids=str,
)
def test_class_weights(class_weight, error, expected_message):
    with pytest.raises(error, match=words(expected_message)):
        net(class_weight=class_weight).fit(X, Y)


def test_class_weights_of_columns():
    expected_message = "NeuralClassifier: expected class_weight=None for columns of labels. Received: class_weight='balanced'. For several labels per row"
    with pytest.raises(ConfigError, match=words(expected_message)):
        net(class_weight="balanced").fit(X, np.eye(3, dtype=int)[Y])


@pytest.mark.parametrize(
    "weight",
    [np.zeros(30), -np.ones(30), np.ones((30, 1)), np.ones(7)],
    ids=["zero", "negative", "table", "short"],
)
def test_weights(weight):
    with pytest.raises(DataError, match=words("sample_weight: expected")):
        net().fit(X, Y, weight)


def test_early_stopping_needs_rows():
    expected_message = "early_stopping: expected at least two validation rows. Received: rows=30, fraction=0.02. Raise validation_fraction, or use more rows."
    with pytest.raises(DataError, match=words(expected_message)):
        net(early_stopping=True, validation_fraction=0.02).fit(X, Y)


def test_partial_fit():
    with pytest.raises(
        DataError,
        match=words(
            "partial_fit: expected classes in the first call. Received: classes=None. A batch may not contain"
        ),
    ):
        net().partial_fit(X, Y)
    with pytest.raises(
        ConfigError,
        match=words(
            "partial_fit: expected early_stopping=False. Received: early_stopping=True. partial_fit trains one epoch"
        ),
    ):
        net(early_stopping=True).partial_fit(X, Y, classes=[0, 1, 2])
    model = net().partial_fit(X, Y, classes=[0, 1, 2])
    expected_message = "NeuralClassifier: expected labels of known classes. Received: unknown=[3, 4]. The classes are [0, 1, 2]."
    with pytest.raises(DataError, match=words(expected_message)):
        model.partial_fit(X, Y + 2)
    expected_message = "partial_fit: expected the classes of the first call, [0, 1, 2]. Received: classes=[0, 1, 3]. Leave them out after"
    for other in ([0, 1, 3], [3, 1, 0]):
        with pytest.raises(DataError, match=words(expected_message)):
            model.partial_fit(X, Y, classes=other)
    model.partial_fit(X, Y, classes=[2, 1, 0])
    with pytest.raises(ValueError, match="X has 1 features, but NeuralClassifier is expecting 2"):
        model.partial_fit(X[:, :1], Y)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_other_targets_for_the_same_network(method):
    model = NeuralRegressor((3,), max_iter=2, warm_start=True).fit(X, Y)
    expected_message = "NeuralRegressor: expected targets of the same shape as in the first fit. Received: shape=(30, 2). Set warm_start=False"
    with pytest.raises(DataError, match=words(expected_message)):
        getattr(model, method)(X, X)


def test_other_layers_for_the_same_weights():
    model = net(warm_start=True).fit(X, Y)
    with pytest.raises(
        DataError,
        match=r"^dense_1/kernel: expected an array of shape \(2, 4\)\. Received: shape=\(2, 3\)\.",
    ):
        model.set_params(hidden_layer_sizes=(4,)).fit(X, Y)


def test_a_fit_that_blows_up_warns_and_keeps_what_was_finite():
    with pytest.warns(TrainingWarning, match="is not finite"):
        model = net(solver="sgd", learning_rate_init=1e38, alpha=1).fit(X, Y)
    assert model.n_iter_ == len(model.loss_curve_)
    assert all(np.isfinite(w).all() for w in model.coefs_)


def test_rows_that_are_no_table():
    with pytest.raises(ValueError, match="Reshape your data"):
        net().fit(X[:, 0], Y)
    with pytest.raises(DataError, match="x: expected columns whose differences float32 can hold"):
        net().fit(1.7e9 + X, Y)


def test_a_loss_that_does_not_exist_and_counts_below_zero():
    with pytest.raises(ConfigError, match=r"loss to be one of squared_error, poisson\. Received"):
        NeuralRegressor(loss="huber").fit(X, Y)
    message = (
        r'NeuralRegressor: expected targets >= 0 for loss="poisson"\. Received: smallest=-1\.0'
    )
    with pytest.raises(DataError, match=message):
        NeuralRegressor(loss="poisson").fit(X, Y - 1.0)


@pytest.mark.parametrize("labels", [["a", None, "b", None], [None, 1, 2, None]])
def test_a_label_that_is_none(labels):
    """scikit-learn's own message about such labels is `Unknown label type: unknown`."""
    rows, first = labels.count(None), labels.index(None)
    words = f"expected a label in every row. Received: rows={rows}, first_row={first}. None is no"
    with pytest.raises(DataError, match=re.escape(words)):
        NeuralClassifier().fit(np.zeros((4, 2)), np.array(labels, object))
    with pytest.raises(DataError, match=re.escape(words)):
        NeuralClassifier().partial_fit(np.zeros((4, 2)), np.array(labels, object), classes=[1, 2])
