"""The Hydra configuration, shipped as the package ``wavspa.conf``: only YAML files stand here."""
