# What keepthread and its tests use of asyncmy, whose own types leave most of it open.
from . import errors as errors
