"""Estimates from a few steps of a run: its cost, a learning rate, a batch size."""
