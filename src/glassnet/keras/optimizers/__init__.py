"""Keras's optimizers.

Those of Keras 2 had `lr` and `decay` too: they work, with a warning.
"""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from typing import Any

from glassnet import optimizers as ours
from glassnet import schedules as our_schedules
from glassnet.errors import is_float32, require, warn
from glassnet.keras.compat import export_aliases, make_get, register_module
from glassnet.keras.optimizers import schedules


@dataclass(frozen=True)
class OptimizerFactory:
    """Maker of an optimizer of one kind, with the arguments of Keras 2; `isinstance` works with it.

    Args:
        kind: Glassnet's class.
    """

    kind: type[ours.Optimizer]

    def __call__(self, *, lr: Any = None, decay: Any = 0.0, **options: Any) -> ours.Optimizer:
        if lr is not None:
            who, fix = self.kind.__name__, "Write learning_rate= alone."
            require("learning_rate" not in options, who, "one learning rate", lr=lr, fix=fix)
            options["learning_rate"] = lr
            _warn_about("lr=", "learning_rate=")
        if decay:
            options["learning_rate"] = self._decay(options.get("learning_rate"), decay)
        return self.kind(**options)

    def _decay(self, rate: Any, decay: Any) -> our_schedules.Schedule:
        """Return Keras 2's decay, rate / (1 + decay step), as a schedule."""
        if rate is None:
            rate = inspect.signature(self.kind).parameters["learning_rate"].default
        who = self.kind.__name__
        require(is_float32(decay) and decay > 0, who, "decay to be a number >= 0", decay=decay)
        require(is_float32(rate), who, "a number as learning rate with decay", learning_rate=rate)
        _warn_about("decay=", "schedules.InverseTimeDecay(rate, 1, decay)")
        return our_schedules.InverseTimeDecay(rate, 1, decay)

    @property
    def __signature__(self) -> inspect.Signature:
        keyword = inspect.Parameter.KEYWORD_ONLY
        own = [
            inspect.Parameter("lr", keyword, default=None),
            inspect.Parameter("decay", keyword, default=0.0),
        ]
        parameters = inspect.signature(self.kind).parameters.values()
        return inspect.Signature([*parameters, *own])

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, self.kind)


@functools.cache
def _warn_about(old: str, new: str) -> None:
    """Warn once about an argument of Keras 2."""
    text = f"{old} is an argument of Keras 2. It is used, but Keras 3 refuses it: write {new}."
    warn(text, UserWarning)


COMMON_SPEC = (
    " clipnorm clipvalue global_clipnorm use_ema=False ema_momentum~ ema_overwrite_frequency=None"
    " loss_scale_factor=None gradient_accumulation_steps=None name~ * lr decay"
)
WEIGHT_DECAY_SPEC = " weight_decay=None" + COMMON_SPEC
SPECS: dict[Any, str] = {
    ours.SGD: "learning_rate momentum nesterov" + WEIGHT_DECAY_SPEC,
    ours.Adadelta: "learning_rate rho epsilon" + WEIGHT_DECAY_SPEC,
    ours.Adagrad: "learning_rate initial_accumulator_value epsilon" + WEIGHT_DECAY_SPEC,
    ours.Adam: "learning_rate beta_1 beta_2 epsilon amsgrad" + WEIGHT_DECAY_SPEC,
    ours.AdamW: "learning_rate weight_decay beta_1 beta_2 epsilon amsgrad" + COMMON_SPEC,
    ours.Adamax: "learning_rate beta_1 beta_2 epsilon" + WEIGHT_DECAY_SPEC,
    ours.Lion: "learning_rate beta_1 beta_2" + WEIGHT_DECAY_SPEC,
    ours.Nadam: "learning_rate beta_1 beta_2 epsilon" + WEIGHT_DECAY_SPEC,
    ours.RMSprop: "learning_rate rho momentum epsilon centered" + WEIGHT_DECAY_SPEC,
}
ALIASES: dict[str, Any] = {"Optimizer": ours.Optimizer} | {
    kind.__name__: (OptimizerFactory(kind), spec) for kind, spec in SPECS.items()
}
legacy = register_module(
    f"{__name__}.legacy", "The same optimizers, under their old name.", ALIASES
)

get = make_get(__name__, ours.get)

__all__, __getattr__ = export_aliases(
    __name__, {**ALIASES, "get": get, "legacy": legacy, "schedules": schedules}
)
