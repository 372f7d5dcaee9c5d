"""Names that Glassnet does not have say what to write instead. Oracle: Keras's public names."""

import importlib

import pytest

from glassnet import keras
from glassnet.errors import MissingError
from glassnet.keras.hints import NAME_HINTS, find_attribute_hint
from glassnet.keras.missing_names import MissingName, NotHereError
from glassnet.keras.public_names import PUBLIC_NAMES


@pytest.mark.parametrize(
    ("module", "name", "hint"),
    [
        (keras.metrics, "PrecisionAtRecall", "sklearn.metrics.precision_recall_curve"),
        (keras.layers, "SpectralNormalization", "kernel_constraint=keras.constraints.max_norm"),
        (keras.optimizers, "Muon", "glassnet.optimizers.Optax"),
        (keras.losses, "serialize", "Store the call that makes the part."),
        (keras.distribution, "DataParallel", r'Write fit\(..., devices="all"\)'),
        (keras.distribution, "initialize", r"Write glassnet.distribute\(\) in the first line"),
        (keras.distribution, "list_devices", r"Write jax.devices\(\)"),
        (keras.distribution, "ModelParallel", "docs/not-for.md lists alternatives"),
    ],
)
def test_a_missing_name_says_what_to_write(module, name, hint):
    with pytest.raises(NotHereError, match=hint):
        getattr(module, name)()


@pytest.mark.parametrize("name", ["add_loss", "compute_mask", "enable_lora", "path"])
def test_a_missing_attribute_of_a_layer_or_a_model_says_what_to_write(name):
    layer = keras.layers.Dense(3)
    model = keras.Sequential([keras.Input((2,)), layer])
    for part in (layer, model):
        with pytest.raises(MissingError) as error:
            getattr(part, name)
        assert find_attribute_hint(name) in str(error.value)


def test_hints_are_for_names_that_are_missing():
    """A hint of a name that every module of Keras has here, too, would never be shown."""
    missing = {part for module in PUBLIC_NAMES for part in module.split(".")}
    for path, names in PUBLIC_NAMES.items():
        module = importlib.import_module(f"glassnet.keras.{path}".rstrip("."))
        found = {name: getattr(module, name, None) for name in names.split()}
        missing |= {name for name, value in found.items() if isinstance(value, MissingName)}
    assert sorted(NAME_HINTS.keys() - missing) == []


def test_initializers_have_keras_long_names():
    weights = keras.initializers.OrthogonalInitializer(gain=2.0)
    assert weights == keras.initializers.Orthogonal(gain=2.0)
    assert keras.initializers.IdentityInitializer() == keras.initializers.Identity()
