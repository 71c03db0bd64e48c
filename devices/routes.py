"""The routers that the application mounts."""

from devices.commands.routes import router as commands
from devices.ingest.routes import router as ingest
from devices.registry.routes import router as registry

ROUTERS = [registry, commands, ingest]
