"""History: its fields, its plot and its frame."""

import re

import pytest
from matplotlib.figure import Figure

from glassnet.training.history import History
from nets import fit_noisy, noisy_model


@pytest.fixture(scope="module")
def ten_epochs():
    model = noisy_model()
    return model, fit_noisy(model, 10)


def test_history(ten_epochs):
    log = ten_epochs[1]
    assert list(log.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert {len(values) for values in log.history.values()} == {10}
    assert (log.seed, log.stopped, len(log.seconds)) == (0, None, 10)
    assert log.params == {"epochs": 10, "batch_size": 8, "steps": 4, "rows": 30}
    frame = log.to_frame()
    assert frame.index.tolist() == log.epoch
    assert {name: frame[name].tolist() for name in frame} == log.history
    assert re.fullmatch(
        r"History\(10 epochs, seed 0: loss [\d.]+, accuracy [\d.]+, val_loss [\d.]+, val_accuracy [\d.]+\)",
        repr(log),
    )
    assert ten_epochs[0].history is log


def test_history_plot_marks_the_best_epoch():
    """Oracle: by hand. val_loss is lowest in the third of epochs 6 to 10: epoch 8."""
    values = {
        "loss": [5, 4, 3, 2, 1],
        "val_loss": [5, 4, 1, 2, 3],
        "accuracy": [0.1, 0.2, 0.3, 0.4, 0.5],
    }
    log = History(0, {}, values, epoch=[5, 6, 7, 8, 9])
    figure = log.plot()
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 2
    for axes in figure.axes:
        assert [text.get_text() for text in axes.texts] == ["best epoch 8"]
    drawn = {
        line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist())
        for line in figure.axes[0].lines[:2]
    }
    assert drawn == {
        "training": ([6, 7, 8, 9, 10], values["loss"]),
        "validation": ([6, 7, 8, 9, 10], values["val_loss"]),
    }
