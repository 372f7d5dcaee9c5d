"""From host batches to what the engine takes: arrays, memory maps, tables and streams become
batches on the device.
"""
