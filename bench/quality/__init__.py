"""How good the answers are: `make eval`, see docs/evaluation.md."""
