"""Tables whose target is a number. Oracle: NumPy, from the file and the predictions of the model."""

import numpy as np
import pytest

from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.messages import SetView
from glassnet.studio_app.own_data import read_upload
from glassnet.studio_app.picture_message import draw_picture
from glassnet.studio_app.settings import DataSettings, LayerSettings, NetworkSettings, Settings

CSV = "size,color,price\n" + "\n".join(
    f"{i % 17 + 3},{'red' if i % 3 else 'blue'},{100_000 + 5_000 * (i % 17) + 900 * (i % 7)}"
    for i in range(80)
)


@pytest.mark.parametrize(("columns", "kind"), [((), "table"), (("size",), "line")])
def test_the_score_is_the_mean_absolute_error_in_the_units_of_the_target(columns, kind):
    settings = Settings(
        DataSettings("own", columns=columns), NetworkSettings((LayerSettings(3),)), seed=1
    )
    experiment = Experiment(settings, read_upload("houses.csv", CSV.encode()))
    data = experiment.data
    assert data.kind == kind
    experiment.run.advance(20)
    header, _ = draw_picture(experiment, SetView())
    assert header["score_name"] == "mae"
    model, expected = experiment.make_model(), []
    for rows in (data.x if kind == "table" else (data.x, data.y), data.test):
        x, y = (rows.drop("price"), rows["price"]) if kind == "table" else rows
        expected.append(float(np.abs(np.ravel(model.predict(x)) - y).mean()))
    assert header["scores"] == pytest.approx(expected, rel=1e-5)
    assert expected[0] > 1000
