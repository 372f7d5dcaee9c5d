"""Keras's learning-rate schedules."""

from glassnet import schedules as ours
from glassnet.keras.compat import export_aliases

DECAY_SPEC = "initial_learning_rate decay_steps decay_rate staircase name~"

__all__, __getattr__ = export_aliases(
    __name__,
    {
        "LearningRateSchedule": ours.Schedule,
        "CosineDecay": (
            ours.CosineDecay,
            "initial_learning_rate decay_steps alpha name~ warmup_target warmup_steps",
        ),
        "CosineDecayRestarts": (
            ours.CosineDecayRestarts,
            "initial_learning_rate first_decay_steps t_mul m_mul alpha name~",
        ),
        "ExponentialDecay": (ours.ExponentialDecay, DECAY_SPEC),
        "InverseTimeDecay": (ours.InverseTimeDecay, DECAY_SPEC),
        "PiecewiseConstantDecay": (ours.PiecewiseConstantDecay, "boundaries values name~"),
        "PolynomialDecay": (
            ours.PolynomialDecay,
            "initial_learning_rate decay_steps end_learning_rate power cycle name~",
        ),
    },
)
