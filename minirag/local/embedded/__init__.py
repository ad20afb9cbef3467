"""PostgreSQL and Valkey out of Python wheels, run as children of the process that asks for them.

For one machine without Docker and for the tests; a production installation names its own servers in
DATABASE_URL and REDIS_URL and never comes here. `PostgresServer` and `ValkeyServer` share one life cycle:
`start()` returns when the server answers, `url` is what settings want, `stop()` ends it. Whatever keeps a
server from starting is a `StartError` with one sentence that says what to do.
"""

from minirag.local.embedded.errors import DiskFull, StartError
from minirag.local.embedded.postgres import PostgresServer
from minirag.local.embedded.valkey import ValkeyServer

__all__ = ["DiskFull", "PostgresServer", "StartError", "ValkeyServer"]
