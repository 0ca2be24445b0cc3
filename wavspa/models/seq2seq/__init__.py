"""The encoder–decoder, and how it writes a sequence token by token."""
