"""Figures: plain arrays in, matplotlib Figures out; nothing here touches pyplot or a backend."""
