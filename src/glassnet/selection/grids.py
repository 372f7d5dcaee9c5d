"""Combinations of parameters: all of them, or a random sample."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from glassnet.errors import is_int, require

WHO = "parameters"


def expand(
    parameters: Mapping[str, Any], n_iter: int | None = None, seed: int | None = None
) -> list[dict[str, Any]]:
    """Return the combinations of values: all of them, or a random sample.

    Every combination is repeated for each value of `seed`, which is never sampled.

    Args:
        parameters: by name, a list of values (or a range or an array), or a distribution of
            scipy.stats.
        n_iter: number of random combinations; None for all.
        seed: of the random sample.

    Returns:
        Dicts of values by name, in the order of `parameters`. Values of NumPy are Python numbers.

    Raises:
        ConfigError: no parameters; no list; an empty list; a value twice; a distribution without
            `n_iter`; `n_iter` is not an int >= 1.

    Example:
        >>> expand({"units": range(8, 10), "l2": np.array([0.0, 0.5])})
        [{'units': 8, 'l2': 0.0}, {'units': 8, 'l2': 0.5}, {'units': 9, 'l2': 0.0}, \
{'units': 9, 'l2': 0.5}]

    Source: scikit-learn's `ParameterSampler` draws the sample.
    """
    fix = 'Write a dict of lists, such as {"learning_rate": [0.01, 0.1]}.'
    is_dict = isinstance(parameters, Mapping) and len(parameters) > 0
    require(is_dict, WHO, "names of parameters with lists of values", fix=fix, received=parameters)
    choices = {name: _check_choices(name, values) for name, values in parameters.items()}
    require(
        n_iter is None or is_int(n_iter, least=1),
        WHO,
        "n_iter to be an int >= 1 or None",
        n_iter=n_iter,
    )
    seeds = choices.pop("seed", None)
    random = [name for name, values in choices.items() if not isinstance(values, list)]
    fix = "Pass n_iter, the number of random combinations."
    require(
        n_iter is not None or not random,
        WHO,
        "lists of values without n_iter",
        fix=fix,
        distributions=random,
    )
    settings = _sample(choices, n_iter, seed) if n_iter else _combine(choices)
    if seeds is not None:
        settings = [setting | {"seed": value} for setting in settings for value in seeds]
    return [{name: setting[name] for name in parameters} for setting in settings]


def _check_choices(name: str, values: Any) -> Any:
    """Return the values of one parameter as a list, or the distribution.

    Raises:
        ConfigError: see `expand`.
    """
    if hasattr(values, "rvs") and name != "seed":
        return values
    is_sequence = hasattr(values, "__len__") and hasattr(values, "__getitem__")
    is_list = is_sequence and not isinstance(values, str | bytes | Mapping)
    is_list = is_list and np.ndim(values) == 1 if isinstance(values, np.ndarray) else is_list
    fix = f"Write [{values!r}]." if not is_list else ""
    expected = f"a list of values of {name}, or a distribution of scipy.stats"
    require(is_list, WHO, expected, fix=fix, **{name: values})
    require(len(values) > 0, WHO, f"at least one value of {name}", **{name: values})
    listed = [to_python(value) for value in values]
    twice = [value for i, value in enumerate(listed) if value in listed[:i]]
    require(not twice, WHO, f"different values of {name}", twice=twice)
    return listed


def to_python(value: Any) -> Any:
    """Return a scalar of NumPy as a number, string or bool of Python; anything else unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def _combine(choices: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return all combinations, in the order of the lists; the last parameter changes fastest."""
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def _sample(choices: Mapping[str, Any], n_iter: int, seed: int | None) -> list[dict[str, Any]]:
    """Return different random combinations: at most `n_iter`, fewer if there are not as many."""
    from sklearn.model_selection import ParameterSampler

    if all(isinstance(values, list) for values in choices.values()):
        n_iter = min(n_iter, len(_combine(choices)))
    rng = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))
    drawn = [
        {name: to_python(value) for name, value in setting.items()}
        for setting in ParameterSampler(dict(choices), n_iter, random_state=rng)
    ]
    return [setting for i, setting in enumerate(drawn) if setting not in drawn[:i]]
