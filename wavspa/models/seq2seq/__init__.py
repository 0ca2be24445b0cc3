"""The encoder–decoder, and its writing of a sequence token by token."""
