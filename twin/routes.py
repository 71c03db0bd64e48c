"""Routes of the twin, for the application to mount."""

from fastapi import APIRouter

from twin.alarms.routes import router as alarms
from twin.evidence.routes import router as evidence
from twin.layout.routes import router as layout

ROUTERS: list[APIRouter] = [layout, evidence, alarms]
