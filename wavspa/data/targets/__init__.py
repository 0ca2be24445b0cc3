"""The kinds of labels of a user's own files: classes, numbers, sets of labels, tags."""
