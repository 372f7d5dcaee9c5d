"""Flights: how many will fly in each of the next twelve months? An LSTM beside the year before,
from two points in time.
"""

import numpy as np

import glassnet as gn
from glassnet.layers import LSTM, Dense

HORIZON = 12

flights = gn.datasets.load("flights").frame
series = gn.data.series(flights, "passengers", time="month", horizon=HORIZON)
print(series)


def network() -> gn.Sequential:
    """A memory of thirty-two numbers that reads two years of changes from year to year, and twelve
    neurons that answer.
    """
    return gn.Sequential([LSTM(32), Dense(HORIZON)], seed=0)


def miss(forecast: np.ndarray, truth: np.ndarray) -> float:
    """The root mean squared error, in thousands of passengers."""
    return float(np.sqrt(np.mean((forecast - truth) ** 2)))


for held_out in (2 * HORIZON, HORIZON):
    model, before = network(), series[:-held_out]
    model.fit(before, batch_size=16, epochs=150, verbose=0)
    found, truth = model.forecast(), series.values[len(before) : len(before) + HORIZON]
    print(
        f"{found.labels[0]} to {found.labels[-1]}: RMSE {miss(found.values, truth):.1f}, seasonal naive {miss(found.naive, truth):.1f}"
    )

found.plot(truth).savefig("forecast.png")
print("the last year, forecast and as it came: forecast.png")
