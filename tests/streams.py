"""Stand-ins for the batch sources of other libraries."""

import numpy as np

from nets import WEIGHT, X, Y

SIZE = 8
STARTS = range(0, len(X), SIZE)
BATCHES = [(X[i : i + SIZE], Y[i : i + SIZE]) for i in STARTS]
"""Four batches of 8 rows and a short one of 5."""
WEIGHED = [(X[i : i + SIZE], Y[i : i + SIZE], WEIGHT[i : i + SIZE]) for i in STARTS]


class Tensor:
    """Tensor of PyTorch or TensorFlow: NumPy can read it, but it is not an array."""

    def __init__(self, array):
        self.array, self.ndim = np.asarray(array), np.ndim(array)

    def __array__(self, dtype=None, copy=None):
        return self.array

    def __len__(self):
        return len(self.array)


class Loader:
    """PyTorch's DataLoader: batches are lists of tensors."""

    def __len__(self):
        return len(BATCHES)

    def __iter__(self):
        return ([Tensor(x), Tensor(y)] for x, y in BATCHES)


class Flow:
    """tf.data.Dataset: tuples of tensors, and a length that may be unknown."""

    def __len__(self):
        raise TypeError("The dataset length is unknown.")

    def __iter__(self):
        return ((Tensor(x), Tensor(y)) for x, y in BATCHES)


class Items:
    """Keras's PyDataset: a length and items, and no error beyond the last."""

    def __init__(self):
        self.ends = 0

    def __len__(self):
        return len(BATCHES)

    def __getitem__(self, i):
        return X[SIZE * i : SIZE * i + SIZE], Y[SIZE * i : SIZE * i + SIZE]

    def on_epoch_end(self):
        self.ends += 1


class Columns:
    """Hugging Face dataset: named columns, in batches of any size."""

    def __init__(self, columns):
        self.columns_, self.format = columns, None

    def __len__(self):
        return len(next(iter(self.columns_.values())))

    def with_format(self, kind):
        self.format = kind
        return self

    def iter(self, batch_size):
        assert self.format == "numpy"
        for start in range(0, len(self), batch_size):
            yield {
                name: column[start : start + batch_size] for name, column in self.columns_.items()
            }


def generate():
    yield from BATCHES


def pairs(*shapes):
    """Return batches of ones with these shapes of x, and class 0."""
    return [(np.ones(shape, np.float32), np.zeros(shape[0], int)) for shape in shapes]
