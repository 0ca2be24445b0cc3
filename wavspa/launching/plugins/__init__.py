"""Hydra plugins, installed as ``hydra_plugins.wavspa``."""
