"""Keras's learning-rate schedules."""

from glassnet import schedules as ours
from glassnet.keras.compat import table

FALLING = "initial_learning_rate decay_steps decay_rate staircase name~"

__all__, __getattr__ = table(
    __name__,
    {
        "LearningRateSchedule": ours.Schedule,
        "CosineDecay": (ours.CosineDecay, "initial_learning_rate decay_steps alpha name~ warmup_target warmup_steps"),
        "ExponentialDecay": (ours.ExponentialDecay, FALLING),
        "InverseTimeDecay": (ours.InverseTimeDecay, FALLING),
        "PiecewiseConstantDecay": (ours.PiecewiseConstantDecay, "boundaries values name~"),
        "PolynomialDecay": (ours.PolynomialDecay, "initial_learning_rate decay_steps end_learning_rate power cycle name~"),
    },
)
