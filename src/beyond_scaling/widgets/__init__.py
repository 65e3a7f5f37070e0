"""The widgets of the book: one .py and one .js each, over one shared energy.js."""
