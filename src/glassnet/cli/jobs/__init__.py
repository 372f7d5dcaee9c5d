"""What `train` and `trace` work on: arrays, tables, images, time series and saved models."""
