"""The routers that the application mounts."""

from devices.registry.routes import router as registry

ROUTERS = [registry]
