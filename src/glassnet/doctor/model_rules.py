"""Rules about the network and its loss."""
