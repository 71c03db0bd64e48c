"""Importing a layout."""

import msgspec

from identity.api import grant_access
from kernel.errors import Conflict, Invalid
from kernel.tx import Tx
from twin.layout import store
from twin.layout.model import violations
from twin.messages import ImportLayout, LayoutImported


async def import_layout(command: ImportLayout, tx: Tx) -> LayoutImported:
    """Check the layout and make it current. The same layout again keeps its version.

    Raises Invalid `layout.invalid` with `violations` (field and rule of each), and Conflict
    `layout.other_keeper` when the site is known and kept by another party than the one named.
    """
    layout = command.layout
    broken = violations(layout)
    if broken:
        first = broken[0]
        listed = [msgspec.to_builtins(violation) for violation in broken]
        raise Invalid("layout.invalid", field=first.field, rule=first.rule, violations=listed)
    keeper = command.keeper_party_id or tx.caller.party_id
    version = await store.lock_version(tx, layout.site_id)
    known = await store.current(tx, layout.site_id) if version else None
    if known is not None and await store.keeper_of(tx, layout.site_id) != keeper:
        raise Conflict("layout.other_keeper", field="site_id", rule="kept by the party named")
    if known is not None and known[0] == layout:
        return LayoutImported(site_id=layout.site_id, version=version, imported_at=tx.now)
    await store.insert_version(tx, layout, version + 1, keeper)
    await grant_access(tx, keeper, layout.site_id, cause="keeps the site")
    imported = LayoutImported(site_id=layout.site_id, version=version + 1, imported_at=tx.now)
    tx.emit(imported)
    return imported
