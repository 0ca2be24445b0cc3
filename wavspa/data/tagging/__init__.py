"""Texts with a tag for each word, or labelled spans of characters."""
