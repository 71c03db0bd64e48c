"""The routers that the application mounts."""

from viz.activity.routes import router as activity
from viz.goods.routes import router as goods
from viz.scene.routes import router as scene
from viz.stream.routes import router as stream

ROUTERS = [scene, goods, stream, activity]
