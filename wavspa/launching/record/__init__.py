"""The record that a run keeps of itself: code, machine and duration of its training."""
