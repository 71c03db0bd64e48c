"""The routers that the application mounts."""

from identity.people.routes import router as people

ROUTERS = [people]
