"""The same client as the product's, acknowledging by hand and doing nothing else: the measure of the line.

Reads host, port, user, password, session and count from its standard input, one JSON list; prints messages
per second from the first message to the last acknowledgement.
"""

import asyncio
import json
import sys
import time

from devices.transport.manual_ack import BrokerLogin, manual_client


async def consume(login: BrokerLogin, session: str, count: int) -> float:
    async with manual_client(login, session) as client:
        began = 0.0
        taken = 0
        async for message in client.messages:
            if not taken:
                began = time.perf_counter()
            client.acknowledge(message)
            taken += 1
            if taken == count:
                break
        return count / (time.perf_counter() - began)


if __name__ == "__main__":
    host, port, username, password, wanted, messages = json.loads(sys.stdin.read())
    login = BrokerLogin(host, port, username, password)
    sys.stdout.write(str(asyncio.run(consume(login, wanted, messages))))
