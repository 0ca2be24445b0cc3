"""The three operators for a CPU, by loops that Numba compiles; importing a module of this room loads it."""
