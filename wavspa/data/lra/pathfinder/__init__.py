"""Pathfinder: official files and generator."""
