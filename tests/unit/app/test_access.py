"""Where an installation is looked for."""

from pathlib import Path

import pytest

from app.access import existing_access
from app.settings import Settings
from app.texts import Texts
from kernel.errors import Conflict


async def test_where_nothing_was_set_up_the_folder_of_a_demonstration_there_is_named_in_both_languages(
    tmp_path: Path,
) -> None:
    with pytest.raises(Conflict) as refused:
        async with existing_access(Settings(data_dir=tmp_path)):
            pass
    texts = Texts.load()
    said = {locale: texts.problem(locale, refused.value.key, refused.value.facts) for locale in ("en", "zh")}
    assert all(f"{tmp_path / 'demo'}" in sentence for sentence in said.values())
    assert "演示站点的位置是" in said["zh"]
