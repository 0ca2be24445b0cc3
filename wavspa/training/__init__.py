"""Optimizers, schedules, metrics file, status file, checkpoints: what a run needs beside its model."""
