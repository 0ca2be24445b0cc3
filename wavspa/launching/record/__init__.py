"""The record that a run keeps of itself: by what, on what and for how long it was trained."""
