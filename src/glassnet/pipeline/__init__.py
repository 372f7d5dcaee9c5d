"""Data adapters, and the batches and blocks that training and scoring read."""

# Importing an adapter registers it. Later ones are asked first.
from glassnet.pipeline import (  # noqa: F401  # isort: skip
    array_adapter,
    table_adapter,
    time_series_adapter,
    image_adapter,
    stream_adapter,
    partitioned_adapter,
)
