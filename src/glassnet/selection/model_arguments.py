"""What users pass as a model: a model, one with Keras's layout, or a function that makes one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from glassnet.errors import ConfigError, require, wrap_errors
from glassnet.models.base import BaseModel
from glassnet.models.sequential import Sequential
from glassnet.selection.parameters import apply_values, check_names


def get_sequential(model: Any) -> Any:
    """Return the `gn.Sequential` that a model with Keras's layout holds; others unchanged."""
    return model if isinstance(model, Sequential) else getattr(model, "glassnet_model", model)


def require_model(who: str, model: Any, position: str = "first") -> None:
    """Refuse what is not a model.

    Raises:
        ConfigError: with what to do for an estimator.
    """
    inner = get_sequential(model)
    fix = "Pass a gn.Sequential, or a model with Keras's layout."
    if not isinstance(inner, Sequential) and hasattr(model, "get_params"):
        fix = (
            "Estimators have scikit-learn's own tools: sklearn.model_selection.cross_validate"
            "(estimator, X, y), GridSearchCV and others."
        )
    is_model = isinstance(inner, Sequential)
    received = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
    require(is_model, who, f"a model as the {position} argument", model=received, fix=fix)


def make_model(
    who: str, model: Any, values: Mapping[str, Any]
) -> tuple[Sequential, Mapping[str, Any]]:
    """Return a model for values of parameters, and the values that it does not have yet.

    Names and values are checked, but not applied: runs differ in them.

    Args:
        who: name of the public function, for errors.
        model: a model, or a function that takes some of the parameters and returns one.
        values: by the names of parameters.

    Raises:
        ConfigError: neither of them; a parameter that the model does not have, or a value that it
            cannot take; see `call_model_function`.
    """
    model = get_sequential(model)
    arguments: tuple[str, ...] = ()
    if callable(model) and not isinstance(model, type | BaseModel):
        arguments = tuple(inspect.signature(model).parameters)
        model, values = call_model_function(model, values)
    require_model(who, model)
    settings = model.get_settings()
    check_names(settings, values, arguments)
    apply_values(settings, values)
    return model, values


def call_model_function(
    function: Callable[..., Any], values: Mapping[str, Any]
) -> tuple[Sequential, dict[str, Any]]:
    """Return the model that a function makes from values, and the values that it does not take.

    Args:
        function: takes some parameters as arguments, and returns a model.
        values: by the names of parameters.

    Raises:
        ConfigError: an argument of the function has no value; the function raises an error, or
            returns no model.

    Example:
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense
        >>> model, rest = call_model_function(
        ...     lambda depth: Sequential([Dense(8)] * depth), {"depth": 2, "learning_rate": 0.1}
        ... )
        >>> len(model.layers), rest
        (2, {'learning_rate': 0.1})
    """
    arguments = inspect.signature(function).parameters.values()
    takes_all = any(argument.kind is argument.VAR_KEYWORD for argument in arguments)
    named = [a.name for a in arguments if a.kind in (a.POSITIONAL_OR_KEYWORD, a.KEYWORD_ONLY)]
    own = {name: value for name, value in values.items() if takes_all or name in named}
    who, expected = "model", "a function that takes parameters and returns a gn.Sequential"
    with wrap_errors(who, expected, error=ConfigError, **own):
        model = function(**own)
    require(isinstance(model, Sequential), who, expected, result=model)
    return model, {name: value for name, value in values.items() if name not in own}
