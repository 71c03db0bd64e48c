"""The routers that the application mounts."""

from wms.allocation.routes import router as allocation
from wms.catalogue.routes import router as catalogue
from wms.dispatch.routes import router as dispatch
from wms.inbound.routes import router as inbound
from wms.labels.routes import router as labels
from wms.orders.routes import router as orders
from wms.scans.routes import router as scans
from wms.stock.routes import router as stock
from wms.tares.routes import router as tares
from wms.tasks.routes import router as tasks
from wms.visits.routes import router as visits

ROUTERS = [catalogue, stock, labels, visits, tares, inbound, tasks, scans, orders, allocation, dispatch]
