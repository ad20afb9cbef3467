"""Moving from MiniRAG 1.0 with its data: `manage.py import_minirag1` (docs/from-minirag-1.md)."""
