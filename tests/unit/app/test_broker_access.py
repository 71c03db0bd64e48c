import base64
from pathlib import Path

import pytest

from app.supervise.broker_access import (
    PasswordFile,
    access_file,
    hashed,
    matches,
    may_hear,
    may_publish,
    may_subscribe,
)

MOSQUITTO_LINE = (
    "u:$7$101$y6KVruy4uMAmTVbn$UAsezLqLCsmqT3JyLPau7B6nKeQM98A1oVwDCig5h06F"
    "FQ5tsoJSO1c8mTI6+GMzUXd2N+jY9AfzVepqARfGPQ=="
)
OWN = "tallyhouse/v1/site-demo/forklift-1"


def test_a_device_says_observations_and_status_and_hears_commands_and_replies() -> None:
    kinds = ["observation", "status", "command", "reply", "other"]
    assert [kind for kind in kinds if may_publish("forklift-1", f"{OWN}/{kind}")] == ["observation", "status"]
    assert [kind for kind in kinds if may_hear("forklift-1", f"{OWN}/{kind}")] == ["command", "reply"]


@pytest.mark.parametrize("user", ["forklift-2", "", "+", "#", "forklift-1/observation"])
def test_nobody_else_says_it_for_the_device(user: str) -> None:
    assert not may_publish(user, f"{OWN}/observation")
    assert not may_hear(user, f"{OWN}/reply")


@pytest.mark.parametrize(
    ("topic_filter", "allowed"),
    [
        (f"{OWN}/reply", True),
        ("tallyhouse/v1/+/forklift-1/+", True),
        (f"{OWN}/#", True),
        ("tallyhouse/v1/site-demo/+/reply", False),
        ("tallyhouse/v1/#", False),
        ("tallyhouse/v1/#/forklift-1/reply", False),
        ("#", False),
        ("$SYS/#", False),
    ],
)
def test_a_device_may_only_ask_for_its_own_branch(topic_filter: str, allowed: bool) -> None:
    assert may_subscribe("forklift-1", topic_filter) is allowed


def test_the_product_may_do_everything() -> None:
    assert may_publish("tallyhouse", "any/topic")
    assert may_subscribe("tallyhouse", "#")


def test_what_speaks_its_makers_format_does_so_below_its_own_place() -> None:
    assert may_publish("forklift-1", f"{OWN}/vendor/tags")
    assert may_publish("forklift-1", f"{OWN}/vendor/application/7/device/ab/event/up")
    for topic in (f"{OWN}/vendor", f"{OWN}/vendor/", f"{OWN}/other/vendor/tags", "vendor/tags"):
        assert not may_publish("forklift-1", topic)
    assert not may_publish("forklift-2", f"{OWN}/vendor/tags")


def test_the_access_list_for_mosquitto_grants_the_same() -> None:
    granted = {tuple(line.split()[1:]) for line in access_file().splitlines() if line.startswith("pattern")}
    assert granted == {
        ("write", "tallyhouse/v1/+/%u/observation"),
        ("write", "tallyhouse/v1/+/%u/status"),
        ("write", "tallyhouse/v1/+/%u/vendor/#"),
        ("read", "tallyhouse/v1/+/%u/command"),
        ("read", "tallyhouse/v1/+/%u/reply"),
    }


def test_a_password_is_kept_in_the_form_mosquitto_writes() -> None:
    # Made with mosquitto_passwd 2.0.11: user "u", password "secret".
    kept = MOSQUITTO_LINE.split(":", 1)[1]
    assert matches("secret", kept)
    assert not matches("Secret", kept)
    assert hashed("secret", base64.b64decode(kept.split("$")[3])) == kept


def test_a_hash_of_another_form_matches_nothing() -> None:
    assert not matches("secret", "$6$salt$hash")
    assert not matches("secret", "secret")


def test_the_password_file_keeps_hashes_only_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    assert PasswordFile(path).set({"forklift-1": hashed("hush-hush")})
    assert "hush" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert PasswordFile(path).accepts("forklift-1", "hush-hush")


def test_setting_the_same_passwords_again_changes_nothing(tmp_path: Path) -> None:
    file, kept = PasswordFile(tmp_path / "passwords"), hashed("a")
    file.set({"forklift-1": kept})
    before = (tmp_path / "passwords").read_bytes()
    assert not file.set({"forklift-1": kept})
    assert not file.keep_only(frozenset({"forklift-1"}))
    assert (tmp_path / "passwords").read_bytes() == before


@pytest.mark.parametrize("name", ["a/b", "a+", "#", "a:b", "", "x" * 65, "a\nb"])
def test_a_name_that_reaches_into_other_topics_cannot_be_a_user(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a user"):
        PasswordFile(tmp_path / "passwords").set({name: hashed("x")})
    assert not (tmp_path / "passwords").exists()
