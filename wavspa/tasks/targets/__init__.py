"""Tasks whose targets are not one class per sequence: numbers, sets of labels, tags."""
