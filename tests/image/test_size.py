"""The budget of bytes. The figures are exact, so they gate."""

from diatom_image.table import LIMIT


def test_uki_is_within_its_limit(release):
    assert LIMIT == 14 * 1024 * 1024
    size = (release / "diatom.efi").stat().st_size
    assert size <= LIMIT, f"the UKI has {size:,} bytes, {size - LIMIT:,} too many: see `./dev image` for its parts"


def test_stub_is_tiny(release):
    # It stays in memory uncompressed for as long as the machine runs.
    assert (release / "parts/init").stat().st_size <= 20 * 1024
