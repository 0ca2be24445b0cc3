"""The decisions of a run: its temperature, its threshold, and their scores."""
