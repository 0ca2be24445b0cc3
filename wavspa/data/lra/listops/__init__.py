"""ListOps: official files, grammar and generator."""
