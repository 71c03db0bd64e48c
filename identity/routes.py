"""The routers that the application mounts."""

from identity.parties.routes import router as parties
from identity.people.routes import router as people

ROUTERS = [people, parties]
