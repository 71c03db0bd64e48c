"""Structured logs on standard error or in a file: one JSON object a line, or text for people.

What libraries log through `logging` comes out in the same form.
"""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal

import structlog
import structlog.tracebacks
from structlog.typing import Processor

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

FILE_BYTES_MAX = 16 * 1024 * 1024
"""A log file is moved aside to `<name>.1` when it has grown to this size."""

QUIET = (
    "amqtt",
    "transitions",
    "asyncio",
    "uvicorn",
    "pymodbus",
    "mqtt",
    "httpx",
    "httpcore",
    "procrastinate",
)
"""Libraries that report each packet or poll; only their warnings are kept, and of those that a driver has
silenced, since it tells in its own readings what fails, not even these."""


def configure_logs(level: str, form: Literal["json", "console"], file: Path | None = None) -> None:
    """Set up logging for the whole process; `level` is debug, info, warning or error.

    With `file` nothing of it goes to standard error: lines are added there, and the folder is made.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if file is None else _into(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=_last_steps(form))
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(level.upper())
    for name in QUIET:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))


def _into(file: Path) -> logging.Handler:
    file.parent.mkdir(parents=True, exist_ok=True)
    return RotatingFileHandler(file, maxBytes=FILE_BYTES_MAX, backupCount=1, encoding="utf-8")


def _last_steps(form: str) -> list[Processor]:
    without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if form == "console":
        return [
            without_meta,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    # Without the values of variables: among them are passwords and what other parties may not see.
    traces = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        without_meta,
        structlog.processors.ExceptionRenderer(traces),
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
