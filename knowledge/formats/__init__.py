"""File formats: one module each, with one function from bytes to what `knowledge.formats.parsing` reads."""
