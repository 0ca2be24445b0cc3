"""The run's folder, what freezes a configuration into it, and what trains from it."""
