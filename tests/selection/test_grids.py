"""Combinations of parameters: scikit-learn's `ParameterGrid` is the oracle."""

import numpy as np
import pytest
from scipy import stats
from sklearn.model_selection import ParameterGrid

from glassnet.errors import ConfigError
from glassnet.selection.grids import expand


def as_set(settings):
    return {tuple(sorted(setting.items())) for setting in settings}


def test_all_combinations_are_those_of_scikit_learn():
    parameters = {"units": range(2, 5), "l2": [0.0, 0.1], "activation": ("relu", "tanh")}
    settings = expand(parameters)
    assert as_set(settings) == as_set(ParameterGrid(parameters))
    assert len(settings) == 3 * 2 * 2
    assert list(settings[0]) == ["units", "l2", "activation"]
    assert [setting["units"] for setting in settings[::4]] == [2, 3, 4]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([1, 2]), int),
        (np.float32([0.5, 1.5]), float),
        (np.array(["relu", "tanh"]), str),
        ([np.True_, np.False_], bool),
        (np.logspace(-3, -1, 3), float),
    ],
)
def test_values_of_numpy_become_values_of_python(values, kind):
    """Exactly the type: np.float64 is a float too, but prints as np.float64(0.1)."""
    received = [setting["a"] for setting in expand({"a": values})]
    assert [type(value) for value in received] == [kind] * len(values)
    assert received == list(values)


def test_any_object_may_be_a_value():
    weights = [None, "balanced", {0: 1.0, 1: 5.0}]
    assert [setting["class_weight"] for setting in expand({"class_weight": weights})] == weights


def test_random_combinations_are_drawn_from_lists_and_distributions():
    parameters = {"learning_rate": stats.loguniform(1e-4, 1e-1), "units": [8, 16]}
    settings = expand(parameters, 20, seed=0)
    assert settings == expand(parameters, 20, seed=0) != expand(parameters, 20, seed=1)
    rates = [setting["learning_rate"] for setting in settings]
    assert len(set(rates)) == 20
    assert all(type(rate) is float and 1e-4 <= rate <= 1e-1 for rate in rates)
    assert {setting["units"] for setting in settings} == {8, 16}
    assert expand(parameters, 2, seed=2**127)  # a seed of a model has up to 128 bits


def test_random_combinations_differ_and_are_never_more_than_there_are(recwarn):
    parameters = {"a": [1, 2, 3], "b": [1, 2]}
    assert as_set(expand(parameters, 100, seed=0)) == as_set(ParameterGrid(parameters))
    assert len(as_set(expand(parameters, 4, seed=0))) == 4
    assert len(expand({"a": stats.randint(0, 3)}, 50, seed=0)) == 3
    assert not recwarn.list


def test_every_combination_has_every_seed():
    settings = expand({"a": stats.uniform(), "seed": range(3)}, 2, seed=0)
    assert [setting["seed"] for setting in settings] == [0, 1, 2, 0, 1, 2]
    assert settings[0]["a"] == settings[2]["a"] != settings[3]["a"]
    assert expand({"seed": [1, 2]}) == [{"seed": 1}, {"seed": 2}]
    assert expand({"seed": [1, 2]}, 5) == [{"seed": 1}, {"seed": 2}]


@pytest.mark.parametrize(
    ("parameters", "n_iter", "text"),
    [
        ({"units": 8}, None, r"a list of values of units, .*Received: units=8\. Write \[8\]"),
        ({"optimizer": "adam"}, None, r"Received: optimizer='adam'\. Write \['adam'\]"),
        ({"class_weight": {0: 1}}, None, r"class_weight=\{0: 1\}"),
        ({"units": {8, 16}}, None, "a list of values of units"),
        ({"units": np.ones((2, 2))}, None, "a list of values of units"),
        ({"units": np.float64(3)}, None, "a list of values of units"),
        ({"units": []}, None, r"at least one value of units\. Received: units=\[\]"),
        ({"units": [8, 16, 8]}, None, r"different values of units\. Received: twice=\[8\]"),
        ({}, None, r"names of parameters with lists .*Received: received=\{\}\. Write a dict"),
        (["units"], None, "names of parameters with lists of values"),
        ({"l2": stats.uniform()}, None, r"distributions=\['l2'\]\. Pass n_iter"),
        ({"seed": stats.randint(0, 9)}, 3, "a list of values of seed"),
        ({"units": [8]}, 0, r"n_iter to be an int >= 1 or None\. Received: n_iter=0"),
        ({"units": [8]}, 2.5, "n_iter=2.5"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_values_is_refused(parameters, n_iter, text):
    with pytest.raises(ConfigError, match=f"^parameters: expected .*{text}"):
        expand(parameters, n_iter)
