"""The life of one run: frozen, validated, trained, resumed, tested."""
