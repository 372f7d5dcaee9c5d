"""Several callbacks in either order, with validation, over two fits."""

import numpy as np
import pandas as pd
import pytest

from glassnet.callbacks import CSVLogger, EarlyStopping, ReduceLROnPlateau, TensorBoard
from glassnet.optimizers import Adam
from nets import X, Y, plain_model, same_bits


def fit(callbacks, epochs=(40, 40)):
    model = plain_model(Adam(0.1))
    return model, [
        model.fit(
            X, Y, epochs=n, batch_size=8, validation_split=0.3, verbose=0, callbacks=callbacks
        )
        if n
        else None
        for n in epochs
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_four_callbacks_over_two_fits(tmp_path, order):
    """Oracle: the order does not matter, and the file has the epochs of both fits.

    The final weights are the best of the second fit.
    """
    pytest.importorskip("tensorboardX")
    few = [ReduceLROnPlateau(patience=2, factor=0.5), EarlyStopping(patience=6)]
    files = [CSVLogger(tmp_path / "log.csv", append=True), TensorBoard(tmp_path / "logs")]
    alone, alone_logs = fit(few)
    model, logs = fit((few + files)[::order])
    assert same_bits(model, alone)
    assert [log.history for log in logs] == [log.history for log in alone_logs]
    assert logs[0].stopped.startswith("val_loss has not improved for 6 epochs")
    table = pd.read_csv(tmp_path / "log.csv")
    assert list(table["epoch"]) == logs[0].epoch + logs[1].epoch == list(range(len(table)))
    assert list(table["val_loss"]) == logs[0].history["val_loss"] + logs[1].history["val_loss"]
    assert model.learning_rate < 0.1
    best, _ = fit(few, (40, int(np.argmin(logs[1].history["val_loss"])) + 1))
    assert same_bits(model, best)
