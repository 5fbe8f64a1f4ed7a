"""Logs: JSON lines of events with identifiers, never personal data (invariant 8)."""

from __future__ import annotations

import logging
from typing import Any, TextIO

import structlog


def log_to(stream: TextIO, level: int, *, json_lines: bool = True) -> None:
    """Sends our events and the libraries' warnings to one stream, in one form.

    Libraries are heard from WARNING on, whatever our own level: at lower ones some log the bytes
    of a wire, and those may hold a name.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        processors=[*shared, structlog.processors.format_exc_info, renderer],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    for room in ("crypto", "printers", "issuer"):
        logging.getLogger(room).setLevel(level)
    quiet_libraries()


def quiet_libraries() -> None:
    """pymodbus writes the frames of a line that went silent; our own errors say what to do."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
