"""D2A: static-analysis reports of true and false bugs."""
