"""One module a file format; each has one function from bytes to what `knowledge.parsing` makes a document of."""
