"""Printers and laminators behind two ports; which driver opens a device is a matter of its model.

Drivers are imported when a device of their kind is opened, so that an office without paper
printers never loads IPP.
"""

from __future__ import annotations

from printers.ports import DeviceConfig, Laminator, Printer

PRINTER_MODELS = ("evolis-agilia", "evolis-primacy2", "ipp")
LAMINATOR_PREFIX = "omron-"


def open_printer(config: DeviceConfig) -> Printer:
    """The driver for ``config.model``, not yet connected. Raises ValueError for unknown models."""
    if config.model.startswith("evolis-"):
        from printers.evolis import EvolisPrinter

        return EvolisPrinter(config)
    if config.model == "ipp":
        from printers.paper import PaperPrinter

        return PaperPrinter(config)
    raise ValueError(
        f"printer {config.name}: unknown model {config.model!r}; known: {', '.join(PRINTER_MODELS)}"
    )


def open_laminator(config: DeviceConfig) -> Laminator:
    """The driver for ``config.model``, not yet connected. Raises ValueError for unknown models."""
    if config.model.startswith(LAMINATOR_PREFIX):
        from printers.plastifier import Plastifier

        return Plastifier(config)
    raise ValueError(f"laminator {config.name}: unknown model {config.model!r}; known: omron-e5cc")
