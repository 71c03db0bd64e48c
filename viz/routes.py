"""The routers that the application mounts."""

from fastapi import APIRouter

ROUTERS: list[APIRouter] = []
