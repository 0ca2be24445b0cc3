"""The files in a run's folder: layout, status, metrics, lock, labels."""
