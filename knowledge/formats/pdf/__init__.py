"""PDF: text layer, order, tables drawn by lines, words broken at line ends, and the values of forms."""
