"""Checkpoints and exports: read, written and rebuilt into models."""
