"""The decisions of a run: its temperature, its threshold, and the scores of its decisions."""
