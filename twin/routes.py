"""Routes of the twin, for the application to mount."""

from fastapi import APIRouter

ROUTERS: list[APIRouter] = []
