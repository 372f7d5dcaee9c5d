"""Names that Glassnet does not have say what to write instead. Oracle: the table of advice."""

import pytest

from glassnet import keras
from glassnet.errors import MissingError
from glassnet.keras.compat import find_attribute_hint
from glassnet.keras.missing_names import NotHereError
from glassnet.keras.name_advice import NAME_ADVICE


@pytest.mark.parametrize(
    ("module", "name", "advice"),
    [
        (keras.metrics, "FBetaScore", "Write sklearn.metrics.fbeta_score"),
        (keras.layers, "SpectralNormalization", "kernel_constraint=keras.constraints.max_norm"),
        (keras.optimizers, "Muon", "glassnet.optimizers.Optax"),
        (keras.losses, "serialize", "Store the call that makes the part."),
    ],
)
def test_a_missing_name_says_what_to_write(module, name, advice):
    with pytest.raises(NotHereError, match=advice):
        getattr(module, name)()


@pytest.mark.parametrize("name", ["add_loss", "compute_mask", "enable_lora", "path"])
def test_a_missing_attribute_of_a_layer_or_a_model_says_what_to_write(name):
    layer = keras.layers.Dense(3)
    model = keras.Sequential([keras.Input((2,)), layer])
    for part in (layer, model):
        with pytest.raises(MissingError) as error:
            getattr(part, name)
        assert find_attribute_hint(name) in str(error.value)


def test_advice_is_for_names_that_are_missing():
    modules = keras.layers, keras.losses, keras.metrics, keras.optimizers, keras.utils
    available = {name for module in modules for name in module.__all__}
    assert sorted(available & NAME_ADVICE.keys()) == []


def test_initializers_have_keras_long_names():
    weights = keras.initializers.OrthogonalInitializer(gain=2.0)
    assert weights == keras.initializers.Orthogonal(gain=2.0)
    assert keras.initializers.IdentityInitializer() == keras.initializers.Identity()
