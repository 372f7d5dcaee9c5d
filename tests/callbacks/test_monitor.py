"""A monitored value that is not a finite number is said, once in a fit.

The oracle is the text of the warning.
"""

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import EarlyStopping, ModelCheckpoint, Record, ReduceLROnPlateau
from glassnet.callbacks.callback_list import CallbackList
from glassnet.errors import TrainingWarning

MONITORS = {
    "EarlyStopping": (
        lambda path: EarlyStopping("val_auc", patience=2),
        "That is no improvement: training stops after 2 such epochs in a row.",
    ),
    "ReduceLROnPlateau": (
        lambda path: ReduceLROnPlateau("val_auc", patience=3),
        "That is no improvement: the learning rate is reduced after 3 such epochs in a row.",
    ),
    "ModelCheckpoint": (
        lambda path: ModelCheckpoint(path, "val_auc", save_best_only=True),
        "That is no improvement: no file is written after such an epoch.",
    ),
}


@pytest.mark.parametrize(("make", "effect"), MONITORS.values(), ids=MONITORS)
def test_a_monitored_value_that_is_no_number_is_said_once(tmp_path, make, effect):
    """The AUC of validation rows of one class is NaN in every epoch."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    one_class = (x[y == 1], y[y == 1])
    model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
    model.compile("adam", "binary_crossentropy", ["auc"])
    callback = make(tmp_path / "best.glassnet")
    options = {"epochs": 4, "verbose": 0, "validation_data": one_class, "callbacks": callback}
    with pytest.warns(TrainingWarning) as caught:
        model.fit(x, y, **options)
    [warning] = caught
    assert str(warning.message) == (
        f"{type(callback).__name__}: val_auc is not a finite number (nan) in epoch 1. {effect} "
        "An AUC is a number only if both classes occur in the rows."
    )
    assert warning.filename == __file__
    assert not (tmp_path / "best.glassnet").exists()
    with pytest.warns(TrainingWarning, match="val_auc is not a finite number"):
        model.fit(x, y, **options)  # once in every fit


def record_of(**logs):
    return Record(0, logs, 0.0, None, None)


@pytest.mark.parametrize("make", [make for make, _ in MONITORS.values()], ids=MONITORS)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_infinities_are_said_too(tmp_path, make, value):
    callbacks = CallbackList([make(tmp_path / "{epoch}.glassnet")], ("loss", "val_auc"))
    with pytest.warns(TrainingWarning, match=r"val_auc is not a finite number \(-?(inf|nan)\)"):
        callbacks.on_epoch_end(record_of(loss=1.0, val_auc=value))


def test_a_monitored_number_and_a_checkpoint_of_every_epoch_say_nothing(tmp_path):
    every = ModelCheckpoint(tmp_path / "every.glassnet", "val_auc")
    callbacks = CallbackList([every, EarlyStopping("loss")], ("loss", "val_auc"))
    callbacks.on_epoch_end(record_of(loss=1.0, val_auc=np.nan))


def test_the_hint_depends_on_the_metric():
    """R2 of equal targets, and a metric of the user."""
    hints = {
        "val_r2_score": "R2 is a number only if the targets differ.",
        "val_mine": "Check the rows that it is computed from.",
    }
    for name, hint in hints.items():
        callbacks = CallbackList([EarlyStopping(name, mode="max")], (name,))
        with pytest.warns(TrainingWarning, match=hint):
            callbacks.on_epoch_end(record_of(**{name: np.nan}))
