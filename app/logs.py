"""Structured logs on standard error: one JSON object a line, or text for people.

What libraries log through `logging` comes out in the same form.
"""

import logging
import sys
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
"""Libraries that report each packet or poll; only their warnings are kept."""


def configure_logs(level: str, form: Literal["json", "console"]) -> None:
    """Set up logging for the whole process; `level` is debug, info, warning or error."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=_last_steps(form))
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


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
