"""What a run decides: its temperature, its threshold, and the scores of its decisions."""
