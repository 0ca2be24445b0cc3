"""Prepared data on the disk, and the rows held out of train."""
