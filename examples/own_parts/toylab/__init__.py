"""A repository with parts of its own for wavspa."""
