"""Callback that acts between single steps: it changes the learning rate, and ends training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from glassnet.callbacks.callback import Callback
from glassnet.engine.epoch_runner import Logs, StepHooks
from glassnet.errors import is_float32, is_int, require


@dataclass(frozen=True)
class StepScheduler(Callback):
    """Change the learning rate after some steps of a fit, and end it after others.

    Steps are counted from the start of `fit`, over all epochs. If training ends within an epoch,
    the weights are those after this step. Each step is run on its own, which takes more time.

    Args:
        learning_rates: learning rates by the number of steps before: {100: 0.01} changes the rate
            before step 101. If the optimizer has a schedule, the rest of it is scaled.
        stop_after: number of steps after which training ends; None for no end.

    Raises:
        ConfigError: a number of steps that is no int >= 0, a rate that is no number > 0, or
            `stop_after` below 1.

    Example:
        >>> import numpy as np
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense
        >>> model = Sequential([Dense(1)], seed=0)
        >>> limit = StepScheduler(stop_after=3)
        >>> history = model.fit(np.eye(4), np.ones(4), batch_size=2, epochs=5, callbacks=limit,
        ...     verbose=0)
        >>> history.stopped
        'epoch 2, step 1 of 2: 3 steps are done'
    """

    learning_rates: Mapping[int, float] = field(default_factory=dict)
    stop_after: int | None = None

    def __post_init__(self) -> None:
        expected = "learning_rates to be numbers > 0 by the number of steps before, {100: 0.01}"
        is_mapping = isinstance(self.learning_rates, Mapping)
        pairs = self.learning_rates.items() if is_mapping else ()
        fits = is_mapping and all(
            is_int(step, least=0) and is_float32(rate) and rate > 0 for step, rate in pairs
        )
        require(fits, "StepScheduler", expected, learning_rates=self.learning_rates)
        fits = self.stop_after is None or is_int(self.stop_after, least=1)
        expected = "stop_after to be an int >= 1 or None"
        require(fits, "StepScheduler", expected, stop_after=self.stop_after)

    @property
    def step_hooks(self) -> StepHooks:
        """Functions that count the steps of one fit."""
        n_steps = 0

        def begin(step: int, learning_rate: float) -> float | None:
            del step, learning_rate
            return self.learning_rates.get(n_steps)

        def end(step: int, logs: Logs) -> str | None:
            del step, logs
            nonlocal n_steps
            n_steps += 1
            return f"{n_steps} steps are done" if n_steps == self.stop_after else None

        return StepHooks(begin, end)
