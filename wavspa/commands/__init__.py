"""The console programs: thin, and the only place that composes configurations."""
