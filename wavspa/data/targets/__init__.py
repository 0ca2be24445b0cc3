"""What the labels of a user's own files can be: classes, numbers, sets of labels, tags."""
