"""A printer that takes TCP connections. Driven from outside: change its `printer`."""

from kernel.clock import Clock
from simulators.protocols.connections import ConversationServer
from simulators.protocols.zpl_printer.frames import Printer, Talk


class ZplPrinterServer(ConversationServer):
    """All connections reach the same printer."""

    def __init__(self, clock: Clock, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.printer = Printer()
        super().__init__(clock, lambda: Talk(self.printer), host=host, port=port)
