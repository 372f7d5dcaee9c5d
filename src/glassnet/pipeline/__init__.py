"""The input pipeline: datasets, arrays, memory maps and streams become batches for the engine."""
