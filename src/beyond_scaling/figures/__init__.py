"""Figures of the book, one module for each; they draw what others have computed or measured."""
