"""Which kind of solution should we ship?"""

__version__ = "0.1.0"
