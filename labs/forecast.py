"""Flights: forecast the passengers of the next twelve months.

An LSTM is compared with the seasonal naive forecast from two points in time.
"""

import numpy as np

import glassnet as gn
from glassnet.layers import LSTM, Dense

HORIZON = 12

flights = gn.datasets.load("flights").frame
series = gn.data.series(flights, "passengers", time="month", horizon=HORIZON)
print(series)


def network() -> gn.Sequential:
    """Return an LSTM of 32 units with one output per month."""
    return gn.Sequential([LSTM(32), Dense(HORIZON)], seed=0)


def rmse(forecast: np.ndarray, truth: np.ndarray) -> float:
    """Return the root mean squared error in thousands of passengers."""
    return float(np.sqrt(np.mean((forecast - truth) ** 2)))


for held_out in (2 * HORIZON, HORIZON):
    model, past = network(), series[:-held_out]
    model.fit(past, batch_size=16, epochs=150, verbose=0)
    forecast, truth = model.forecast(), series.values[len(past) : len(past) + HORIZON]
    print(
        f"{forecast.labels[0]} to {forecast.labels[-1]}: "
        f"RMSE {rmse(forecast.values, truth):.1f}, seasonal naive {rmse(forecast.naive, truth):.1f}"
    )

forecast.plot(truth).savefig("forecast.png")
print("forecast and true values of the last year: forecast.png")
