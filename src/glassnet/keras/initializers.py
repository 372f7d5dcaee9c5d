"""Keras's initializers. Their `seed` is not used: all of a model's numbers follow from the model's own, or from `set_random_seed`."""

from glassnet import initializers as ours
from glassnet.keras.compat import table

SCALED = "seed~ input_axes=None output_axes=None"
MOMENTS = "mean stddev seed~"
CLASSES = {
    "Constant": (ours.Constant, "value"),
    "GlorotNormal": (ours.GlorotNormal, SCALED),
    "GlorotUniform": (ours.GlorotUniform, SCALED),
    "HeNormal": (ours.HeNormal, SCALED),
    "HeUniform": (ours.HeUniform, SCALED),
    "LecunNormal": (ours.LecunNormal, SCALED),
    "LecunUniform": (ours.LecunUniform, SCALED),
    "Ones": (ours.Ones,),
    "Orthogonal": (ours.Orthogonal, "gain seed~"),
    "RandomNormal": (ours.RandomNormal, MOMENTS),
    "RandomUniform": (ours.RandomUniform, "minval maxval seed~"),
    "TruncatedNormal": (ours.TruncatedNormal, MOMENTS),
    "VarianceScaling": (ours.VarianceScaling, "scale mode distribution " + SCALED),
    "Zeros": (ours.Zeros,),
}

__all__, __getattr__ = table(
    __name__,
    {"Initializer": ours.Initializer, **CLASSES, **{name: CLASSES[made.__name__] for name, made in ours.INITIALIZERS.items()}},
)
