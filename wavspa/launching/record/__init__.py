"""The record that a run keeps of its training: code, machine and duration."""
