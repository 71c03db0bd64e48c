"""The routers that the application mounts."""

from finance.collateral.routes import router as collateral
from finance.ledger.routes import router as ledger
from finance.loans.routes import router as loans
from finance.receipts.routes import router as receipts
from finance.standing.routes import router as facilities

ROUTERS = [receipts, collateral, facilities, loans, ledger]
