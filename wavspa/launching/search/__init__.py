"""Search for hyper-parameters by Optuna."""
