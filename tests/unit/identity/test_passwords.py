from identity.people.passwords import hash_password, is_password


async def test_a_hash_costs_what_rfc_9106_recommends_where_memory_is_scarce() -> None:
    made = await hash_password("a long enough password")
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await is_password("a long enough password", made)
    assert not await is_password("a long enough passwort", made)


async def test_nobody_has_a_password() -> None:
    assert not await is_password("the password of nobody", None)
