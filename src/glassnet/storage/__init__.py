"""Plain data to one file that cannot run code, and back."""
