"""The model that users hold: `Sequential`, its layers' views, summaries, forecasts, and loading
from a file.
"""
