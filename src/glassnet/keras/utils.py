"""What Keras keeps under this name."""

from glassnet.keras.encoding import normalize, to_categorical
from glassnet.keras.face import table
from glassnet.keras.seeds import set_random_seed

__all__, __getattr__ = table(
    __name__,
    {"normalize": normalize, "set_random_seed": set_random_seed, "to_categorical": to_categorical},
)
