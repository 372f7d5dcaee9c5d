"""A lock that a model has: one fit at a time, and no other change of the model during a fit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from glassnet.errors import ConfigError, message

COPY = "To train two models at once, train a copy: copy.deepcopy(model)."


class FitLock:
    """Lock of one model. Reading the model during a fit is allowed.

    As a context manager, it makes several reads or writes one: no other thread changes the model
    between them.

    A copy, by `copy` or by pickle, is a new lock that nobody uses.
    """

    def __init__(self) -> None:
        self._mutex = threading.RLock()
        self._is_fitting = False
        self._permitted_thread: int | None = None

    def __enter__(self) -> None:
        self._mutex.acquire()

    def __exit__(self, *_: object) -> None:
        self._mutex.release()

    def __reduce__(self) -> tuple[type[FitLock], tuple[()]]:
        return FitLock, ()

    @contextmanager
    def fit(self) -> Iterator[None]:
        """Run the block as the only fit of the model.

        Raises:
            ConfigError: another fit of the model is running, in any thread.
        """
        with self._mutex:
            if self._is_fitting:
                fix = f"Wait until it has ended. {COPY}"
                raise ConfigError(
                    message("fit", "no other fit of this model to be running", fix=fix)
                )
            self._is_fitting = True
        try:
            yield
        finally:
            self._is_fitting = False

    @contextmanager
    def change(
        self, who: str, hint: str = "", *, only_weights: bool = False, **received: Any
    ) -> Iterator[None]:
        """Run the block, which changes the model, while no fit can begin.

        Args:
            who: the method, for the message.
            hint: what a callback should do instead, to be added to what was expected.
            only_weights: whether only weights change, which `permit_weights` allows.
            received: values for the message.

        Raises:
            ConfigError: a fit of the model is running.
        """
        with self._mutex:
            is_permitted = only_weights and self._permitted_thread == threading.get_ident()
            if self._is_fitting and not is_permitted:
                expected = "no change of the model during a fit" + hint
                fix = f"The fit would undo it. Wait until the fit has ended. {COPY}"
                raise ConfigError(message(who, expected, fix=fix, **received))
            yield

    @contextmanager
    def permit_weights(self) -> Iterator[None]:
        """Let this thread set weights during a fit in the block. It sets them again afterwards."""
        self._permitted_thread = threading.get_ident()
        try:
            yield
        finally:
            self._permitted_thread = None
