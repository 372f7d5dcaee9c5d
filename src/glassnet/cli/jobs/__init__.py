"""Jobs of `train` and `trace`: arrays, tables, images, time series and saved models."""
