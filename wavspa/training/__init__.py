"""Optimizers, schedules, metrics file, status file, checkpoints: what a run needs apart from its model."""
