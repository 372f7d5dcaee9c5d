"""Rules about what the network has learned for new rows."""
