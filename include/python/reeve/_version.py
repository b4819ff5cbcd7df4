"""The version of reeve that this belongs to; a test compares it with the build's."""

__version__ = "0.1.0"
