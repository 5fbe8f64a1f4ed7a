"""Evolis card printers: the driver. See ``driver.py`` for the job, ``evidence.py`` for outcomes."""

from printers.evolis.driver import EvolisPrinter

__all__ = ["EvolisPrinter"]
