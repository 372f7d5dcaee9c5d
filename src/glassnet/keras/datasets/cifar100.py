"""Photographs of 100 kinds of things."""

from __future__ import annotations

from glassnet.datasets.downloads import read_cifar100
from glassnet.errors import require
from glassnet.keras.datasets.rows import Split
from glassnet.suggestions import publish, suggest_arguments


@suggest_arguments
def load_data(label_mode: str = "fine") -> tuple[Split, Split]:
    """Load 60,000 photographs of 100 kinds of things, 10,000 of them for the test.

    Shapes:
        x (n, 32, 32, 3) uint8; y (n, 1) int64.

    Args:
        label_mode: "fine" for 100 classes, "coarse" for 20 classes of five of them each.

    Raises:
        ConfigError: another `label_mode`.
        DownloadError: the file is not on this machine and cannot be downloaded.
        DataError: the file is damaged.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009. No license
        is stated.
    """
    is_mode = label_mode in ("fine", "coarse")
    expected = 'label_mode to be "fine" or "coarse"'
    require(is_mode, "cifar100.load_data", expected, label_mode=label_mode)
    column = [1] if label_mode == "fine" else [0]
    (x, y), (x_test, y_test), _ = read_cifar100()
    return (x, y[:, column]), (x_test, y_test[:, column])


__all__ = ["load_data"]

publish(__name__, __all__)
