"""Tables of many columns. Oracle: counting calls: a picture must not list all names for each column."""

import pytest

from glassnet.preprocessing.encoder import Encoder
from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.messages import SetView
from glassnet.studio_app.own_data import read_upload
from glassnet.studio_app.picture_message import draw_picture
from glassnet.studio_app.settings import DataSettings, LayerSettings, NetworkSettings, Settings
from glassnet.studio_app.state_message import describe_state

N_COLUMNS = 150


@pytest.fixture
def n_lists(monkeypatch):
    """Return a list that grows with each list of all names."""
    calls, list_names = [], Encoder.feature_names.fget
    monkeypatch.setattr(
        Encoder, "feature_names", property(lambda self: calls.append(1) or list_names(self))
    )
    return calls


def test_names_are_not_listed_again_for_each_column(n_lists):
    header = ",".join([*(f"c{i}" for i in range(N_COLUMNS)), "kind"])
    rows = [
        ",".join([*(str((i * j) % 11 / 7) for j in range(1, N_COLUMNS + 1)), "ab"[i % 2]])
        for i in range(30)
    ]
    own = read_upload("wide.csv", "\n".join([header, *rows]).encode())
    network = NetworkSettings((LayerSettings(2),))
    experiment = Experiment(Settings(DataSettings("own"), network), own)
    describe_state(experiment, playing=False, rivals=None)
    header, _ = draw_picture(experiment, SetView())
    assert len(header["grid"]["fixed"]) == len(experiment.data.feature_names) - 2 > 100
    assert len(n_lists) < N_COLUMNS
    n_lists.clear()
    draw_picture(experiment, SetView())
    assert len(n_lists) < 20
