"""Estimates before training: the cost of runs, a learning rate, a batch size."""
