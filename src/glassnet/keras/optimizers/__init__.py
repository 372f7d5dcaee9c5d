"""Keras's optimizers."""

from glassnet import optimizers as ours
from glassnet.keras.compat import register, table
from glassnet.keras.optimizers import schedules

END = " clipnorm clipvalue global_clipnorm use_ema=False ema_momentum~ ema_overwrite_frequency=None loss_scale_factor=None"
END += " gradient_accumulation_steps=None name~"
REST = " weight_decay=None" + END
ROWS = {
    "Optimizer": ours.Optimizer,
    "SGD": (ours.SGD, "learning_rate momentum nesterov" + REST),
    "Adadelta": (ours.Adadelta, "learning_rate rho epsilon" + REST),
    "Adagrad": (ours.Adagrad, "learning_rate initial_accumulator_value epsilon" + REST),
    "Adam": (ours.Adam, "learning_rate beta_1 beta_2 epsilon amsgrad" + REST),
    "AdamW": (ours.AdamW, "learning_rate weight_decay beta_1 beta_2 epsilon amsgrad" + END),
    "Lion": (ours.Lion, "learning_rate beta_1 beta_2" + REST),
    "Nadam": (ours.Nadam, "learning_rate beta_1 beta_2 epsilon" + REST),
    "RMSprop": (ours.RMSprop, "learning_rate rho momentum epsilon centered" + REST),
}
legacy = register(f"{__name__}.legacy", "The same optimizers under their old address.", ROWS)

__all__, __getattr__ = table(__name__, {**ROWS, "legacy": legacy, "schedules": schedules})
