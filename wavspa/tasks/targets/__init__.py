"""Tasks whose targets are not one class of each sequence: numbers, sets of labels, tags."""
