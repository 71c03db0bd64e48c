"""Routes of the twin, for the application to mount."""

from twin.layout.routes import router as layout

ROUTERS = [layout]
