"""docs/from-keras.md counts Keras's public names. Oracle: live Keras's modules and signatures.

`python tests/docs/test_keras_api.py` writes that part of the page.
"""

import functools
import importlib
import inspect
import re
from dataclasses import dataclass

import pytest

import pages
from glassnet import keras
from glassnet.errors import GlassnetError
from glassnet.keras.compat import FunctionAlias, Unsupported
from glassnet.keras.hints import PARAMETER_HINTS
from glassnet.keras.missing_names import MissingName
from oracles import import_keras

pytestmark = pytest.mark.slow

PAGE = pages.DOCS / "from-keras.md"
HEADING = "## Keras's public names"

MODULES = """
activations backend callbacks config constraints datasets initializers layers losses metrics models
ops ops.image optimizers optimizers.schedules preprocessing preprocessing.image
preprocessing.sequence random regularizers saving utils
"""

LEFT_OUT = {
    "attention and transformers": """
        layers.AdditiveAttention layers.Attention layers.GroupQueryAttention
        layers.MultiHeadAttention layers.ReversibleEmbedding ops.dot_product_attention
        config.disable_flash_attention config.enable_flash_attention
        config.is_flash_attention_enabled
    """,
    "three-dimensional images and videos": """
        layers.AdaptiveAveragePooling3D layers.AdaptiveMaxPooling3D layers.AveragePooling3D
        layers.AvgPool3D layers.Conv3D layers.Conv3DTranspose layers.ConvLSTM1D layers.ConvLSTM2D
        layers.ConvLSTM3D layers.Convolution3D layers.Convolution3DTranspose layers.Cropping3D
        layers.GlobalAveragePooling3D layers.GlobalAvgPool3D layers.GlobalMaxPool3D
        layers.GlobalMaxPooling3D layers.MaxPool3D layers.MaxPooling3D layers.SpatialDropout3D
        layers.UpSampling3D layers.ZeroPadding3D ops.image.extract_patches_3d
    """,
    "pretrained networks": "applications",
    "several devices": "device distribution layers.Pipeline name_scope",
    "quantization and mixed precision": """
        DTypePolicy FloatDTypePolicy Quantizer dtype_policies mixed_precision quantizers
        config.dtype_policy config.set_dtype_policy optimizers.LossScaleOptimizer
    """,
    "export and distillation": "distillation export",
    "parts of other frameworks": """
        layers.FlaxLayer layers.JaxLayer layers.TFSMLayer layers.TorchModuleWrapper
        callbacks.OrbaxCheckpoint config.is_nnx_enabled
    """,
    "custom training loops and models as functions": """
        Function Operation RematScope StatelessScope SymbolicScope remat
        callbacks.CallbackList ops.custom_gradient ops.jvp tree
    """,
    "object detection, segmentation and speech": """
        layers.MaxNumBoundingBoxes layers.MelSpectrogram layers.STFTSpectrogram losses.CTC
        losses.ctc ops.ctc_decode ops.ctc_loss ops.istft ops.stft
        initializers.STFT initializers.STFTInitializer initializers.stft
        utils.audio_dataset_from_directory utils.bounding_boxes visualization
    """,
    "Keras's own folders and copies of its modules": """
        legacy losses.legacy optimizers.legacy ops.linalg ops.nn ops.numpy src utils.legacy
    """,
}
"""Why names are not counted, and which; a name without a dot is of Keras itself."""

METHODS_LEFT_OUT = {
    "quantization": """
        get_quantization_layer_structure quantization_mode quantize quantized_build quantized_call
        dtype_policy
    """,
    "custom training loops and models as functions": """
        compute_loss compute_loss_and_updates compute_metrics get_metrics_result get_state_tree
        jax_state_sync make_predict_function make_test_function make_train_function
        metrics_variables predict_step rematerialized_call set_state_tree stateless_call
        stateless_compute_loss symbolic_call test_step train_step compute_output_spec
    """,
    "hooks of Keras's own saving": """
        build_from_config compile_from_config get_build_config get_compile_config
        load_own_variables save_own_variables
    """,
}
"""Why methods are not counted, and which."""


@dataclass
class Count:
    """The names of a module: `available`, `refused` with what to write instead, and `missing`."""

    available: list
    refused: dict
    missing: list

    @property
    def share(self):
        n = len(self.available) + len(self.refused) + len(self.missing)
        return len(self.available) / n if n else 1.0


def left_out(table):
    return {name for names in table.values() for name in names.split()}


def find(root, module):
    return functools.reduce(getattr, module.split("."), root) if module else root


def find_ours(module):
    try:
        return importlib.import_module(f"glassnet.keras.{module}" if module else "glassnet.keras")
    except ImportError:
        return None


def public_names(module, prefix):
    """Return the public names of a module of Keras in our field."""
    excluded = left_out(LEFT_OUT)
    return [
        name
        for name in sorted(dir(module))
        if name[0] != "_" and (f"{prefix}.{name}" if prefix else name) not in excluded
    ]


def advice(error):
    """Return what an error says to write instead; None if it only lists names."""
    sentence = str(error).replace("\n", " ").rpartition("Received: ")[2]
    fix = sentence.partition("'. ")[2]
    return None if re.match(r"$|Similar names|Available|Did you mean|dir\(", fix) else fix


def look_up(owner, name):
    """Return (whether a name is there, what to write instead or None)."""
    try:
        value = getattr(owner, name)
    except (GlassnetError, AttributeError) as error:
        return False, advice(error)
    if isinstance(value, MissingName):
        return False, advice(object.__getattribute__(value, "_text"))
    if isinstance(value, Unsupported) and value.base is None and name != "Model":
        return False, value.fix
    return True, None


def count(owner, names):
    result = Count([], {}, [])
    for name in names:
        is_available, fix = look_up(owner, name) if owner else (False, None)
        if is_available:
            result.available.append(name)
        elif fix:
            result.refused[name] = fix
        else:
            result.missing.append(name)
    return result


def small_model(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(3, name="dense")])
    model.compile("sgd", "mse")
    return model


def counts(real):
    """Return the count of each module, then of each class."""
    tables = {}
    for module in ["", *MODULES.split()]:
        names = public_names(find(real, module), module)
        tables[module or "keras"] = count(find_ours(module), names)
    models = small_model(real), small_model(keras)
    excluded = left_out(METHODS_LEFT_OUT)
    for label, (theirs, ours) in {
        "Model": models,
        "Layer": [model.layers[0] for model in models],
    }.items():
        methods = [name for name in dir(type(theirs)) if name[0] != "_" and name not in excluded]
        tables[label] = count(ours, methods)
    return tables


def parameters(part):
    """Return the names of the parameters of a callable; None if it has no signature."""
    first = ["y_true", "y_pred"] if isinstance(part, FunctionAlias) else []
    part = getattr(part, "alias", part)
    try:
        values = inspect.signature(part).parameters.values()
    except (TypeError, ValueError):
        return None
    return first + [p.name for p in values if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def rules_of(part):
    """Return the rule of each parameter of a name of `glassnet.keras`."""
    return getattr(getattr(part, "alias", part), "parameter_rules", {})


def compare_parameters(real):
    """Return the parameters of the available names: {name: (accepted, default only, missing)}.

    Each is a list of the callables that have the parameter.
    """
    found = {}
    for module in MODULES.split():
        ours, theirs = find_ours(module), find(real, module)
        for name in public_names(theirs, module) if ours else []:
            if not look_up(ours, name)[0] or not callable(getattr(theirs, name)):
                continue
            part, wanted = getattr(ours, name), parameters(getattr(theirs, name))
            have = parameters(part)
            if have is None or wanted is None:
                continue
            rules = rules_of(part)
            for parameter in wanted:
                kind = 1 if rules.get(parameter, "").startswith("=") else 0
                kind = kind if parameter in have else 2
                found.setdefault(parameter, ([], [], []))[kind].append(f"{module}.{name}")
    return found


INTRO = """
Counted against Keras 3.15, for the names and parameters of this library's field. The last table lists what is not counted, and why.
"""


def rows_of(head, rows):
    line = "|".join("---" for _ in head)
    return (
        [f"| {' | '.join(row)} |" for row in [head]]
        + [f"|{line}|"]
        + [f"| {' | '.join(row)} |" for row in rows]
    )


def code(names):
    return f"`{' '.join(names)}`" if names else ""


def module_rows(tables):
    """Return a row for each module or class, and the sums."""
    numbers = {
        label: (len(t.available), len(t.refused), len(t.missing)) for label, t in tables.items()
    }
    numbers["all"] = tuple(map(sum, zip(*numbers.values(), strict=True)))
    for label, (available, refused, missing) in numbers.items():
        share = f"{100 * available / (available + refused + missing):.0f} %"
        yield [f"`{label}`", str(available), str(refused), str(missing), share]


def refused_rows(tables):
    """Return a row for each advice: the names that are refused, and what to write."""
    names = {}
    for label, result in tables.items():
        for name, fix in result.refused.items():
            names.setdefault(fix, []).append(name if label == "keras" else f"{label}.{name}")
    for fix, parts in sorted(names.items(), key=lambda item: item[1]):
        yield [code(parts), fix.replace("|", "\\|")]


def parameter_rows(found):
    """Return a row for each parameter that some callable does not take with every value."""
    for name, (accepted, fixed, missing) in sorted(found.items()):
        if fixed or missing:
            n = len(fixed) + len(missing)
            parts = [*fixed, *missing][:3]
            more = f" and {n - 3} more" if n > 3 else ""
            hint = PARAMETER_HINTS.get(name, "")
            yield [f"`{name}`", f"{n} of {n + len(accepted)}", f"{code(parts)}{more}", hint]


def section_text(real):
    """Return the section of the page."""
    tables, found = counts(real), compare_parameters(real)
    n = [sum(len(parts) for parts in kind) for kind in zip(*found.values(), strict=True)]
    return "\n".join(
        [
            HEADING,
            INTRO.rstrip(),
            "",
            *rows_of(["Names of", "Available", "Refused", "Missing", "Share"], module_rows(tables)),
            "",
            f"The available names have {sum(n)} parameters: {n[0]} take every value of Keras, "
            f"{n[1]} its default alone, {n[2]} are missing.",
            "",
            "### Refused names",
            "",
            *rows_of(["Names", "Write instead"], refused_rows(tables)),
            "",
            "### Parameters that take Keras's default alone",
            "",
            *rows_of(
                ["Parameter", "Callables", "For example", "Write instead"], parameter_rows(found)
            ),
            "",
            "### Not counted",
            "",
            *rows_of(
                ["Field", "Names"],
                [
                    [why, code(sorted(names.split()))]
                    for table in (LEFT_OUT, METHODS_LEFT_OUT)
                    for why, names in table.items()
                ],
            ),
            "",
        ]
    )


@pytest.fixture(scope="module")
def real():
    return import_keras()


def test_the_page_is_up_to_date(real):
    section = "## " + PAGE.read_text(encoding="utf-8").split("\n## ")[-1]
    assert section.rstrip() == section_text(real).rstrip()


def test_three_names_of_four_are_available_and_the_others_say_what_to_write(real):
    tables = counts(real)
    assert {label: table.missing for label, table in tables.items() if table.missing} == {}
    available = sum(len(table.available) for table in tables.values())
    refused = sum(len(table.refused) for table in tables.values())
    assert available / (available + refused) >= 0.75


def test_a_name_without_advice_is_missing():
    assert look_up(keras.layers, "Dense") == (True, None)
    assert look_up(keras.layers, "Densely")[1] is None


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    page, heading, _ = text.partition(f"\n{HEADING}\n")
    PAGE.write_text(f"{page.rstrip()}\n\n{section_text(import_keras())}", encoding="utf-8")
