"""The three operators for a CPU, as loops compiled by Numba; importing a module of this package loads it."""
