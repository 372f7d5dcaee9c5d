"""Rules about the data and the labels."""
