"""A table of houses, and how commands run on it."""

import json

import numpy as np
import pandas
from click.testing import CliRunner

from glassnet.cli import main

RNG = np.random.default_rng(0)
N = 60
SIZE = RNG.normal(100, 30, N)
HOUSES = pandas.DataFrame(
    {
        "size": SIZE,
        "town": RNG.choice(["Rome", "Bonn"], N),
        "owner": np.arange(N) // 5,
        "price": SIZE * 3 + RNG.normal(0, 10, N),
        "sold": np.where(SIZE + RNG.normal(0, 10, N) > 100, "yes", "no"),
    }
)


class Command:
    """A command that runs in the current folder, which has the table as houses.csv."""

    def __init__(self, name):
        self.name = name

    def run(self, *words):
        return CliRunner().invoke(main, [self.name, *map(str, words)])

    def read_json(self, *words):
        """Return the JSON that the command prints."""
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def refused(self, *words):
        """Return the error of one line."""
        result = self.run(*words)
        assert result.exit_code == 2, result.output
        assert result.stderr.count("\n") == 1
        return result.stderr
