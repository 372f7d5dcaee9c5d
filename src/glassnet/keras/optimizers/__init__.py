"""Keras's optimizers."""

from glassnet import optimizers as ours
from glassnet.keras.compat import export_aliases, make_get, register_module
from glassnet.keras.optimizers import schedules

COMMON_SPEC = (
    " clipnorm clipvalue global_clipnorm use_ema=False ema_momentum~ ema_overwrite_frequency=None"
    " loss_scale_factor=None gradient_accumulation_steps=None name~"
)
WEIGHT_DECAY_SPEC = " weight_decay=None" + COMMON_SPEC
ALIASES = {
    "Optimizer": ours.Optimizer,
    "SGD": (ours.SGD, "learning_rate momentum nesterov" + WEIGHT_DECAY_SPEC),
    "Adadelta": (ours.Adadelta, "learning_rate rho epsilon" + WEIGHT_DECAY_SPEC),
    "Adagrad": (
        ours.Adagrad,
        "learning_rate initial_accumulator_value epsilon" + WEIGHT_DECAY_SPEC,
    ),
    "Adam": (ours.Adam, "learning_rate beta_1 beta_2 epsilon amsgrad" + WEIGHT_DECAY_SPEC),
    "AdamW": (ours.AdamW, "learning_rate weight_decay beta_1 beta_2 epsilon amsgrad" + COMMON_SPEC),
    "Lion": (ours.Lion, "learning_rate beta_1 beta_2" + WEIGHT_DECAY_SPEC),
    "Nadam": (ours.Nadam, "learning_rate beta_1 beta_2 epsilon" + WEIGHT_DECAY_SPEC),
    "RMSprop": (ours.RMSprop, "learning_rate rho momentum epsilon centered" + WEIGHT_DECAY_SPEC),
}
legacy = register_module(
    f"{__name__}.legacy", "The same optimizers, under their old name.", ALIASES
)

get = make_get(__name__, ours.get)

__all__, __getattr__ = export_aliases(
    __name__, {**ALIASES, "get": get, "legacy": legacy, "schedules": schedules}
)
