"""Taking conversations from one place to another."""

from .copying import copy_store
from .report import CopyReport, Problem

__all__ = ["CopyReport", "Problem", "copy_store"]
