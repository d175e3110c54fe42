"""A host setting can't send a secret elsewhere."""

from __future__ import annotations

import pytest

from retail_sync.records.errors import ConfigurationFault
from retail_sync.transport.hosts import check_base_url, check_name, is_loopback

ALLOWED = (r"api\.[a-z0-9-]+\.gcp\.shop\.example",)


def check(url: str) -> str:
    return check_base_url(url, system="commercetools", setting="host", allowed=ALLOWED)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://api.europe-west1.gcp.shop.example", "https://api.europe-west1.gcp.shop.example"),
        ("https://API.europe-west1.gcp.shop.example/", "https://api.europe-west1.gcp.shop.example"),
        ("http://127.0.0.1:8080/ct/", "http://127.0.0.1:8080/ct"),
        ("http://localhost:1", "http://localhost:1"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_the_systems_own_hosts_and_this_machine_are_accepted(url: str, base: str) -> None:
    assert check(url) == base


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.europe-west1.gcp.shop.example",
        "http://api.europe-west1.gcp.shop.example",
        "ftp://api.europe-west1.gcp.shop.example",
        "https://evil.example",
        "https://api.europe-west1.gcp.shop.example.evil.example",
        "https://evil.example/api.europe-west1.gcp.shop.example",
        "https://evil.example#.gcp.shop.example",
        "https://evil.example?api.x.gcp.shop.example",
        "https://evil.example\\@api.x.gcp.shop.example",
        "https://api.x.gcp.shop.example@evil.example",
        "https://user:pw@api.x.gcp.shop.example",
        "https://api.x.gcp.shop.example:8443",
        "https://api.x.gcp.shop.example:",
        "https://api.x.gcp.shop.example/..%2f",
        "https://api.x.gcp.shop.example/a/../b",
        "https://api.x.gcp.shop.example//evil.example",
        "https://api.x.gcp.shop.example/other",
        "https://api.x.gcp.shop.example.",
        "https://api.x.gcp.shop.example\n.evil.example",
        "https://аpi.x.gcp.shop.example",
        "https://127.0.0.1.evil.example",
        "https://localhost.evil.example",
        "https://10.0.0.1",
        "https://[::ffff:10.0.0.1]",
        "https://api.x.gcp.shop.example:99999999",
        "https://[::1",
        "http://127.0.0.1@evil.example",
    ],
)
def test_everything_that_may_lead_elsewhere_is_refused_by_name(url: str) -> None:
    with pytest.raises(ConfigurationFault, match="host .* is not accepted") as caught:
        check(url)
    assert caught.value.remedy
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a/b", "..", "a.b", "a b", "A@b", "x?y", "ä", "-a", "a" * 64, "a\n"])
def test_a_project_key_or_prefix_must_be_a_plain_name(name: str) -> None:
    with pytest.raises(ConfigurationFault, match="project_key"):
        check_name(name, system="commercetools", setting="project_key")
    assert check_name("my-shop_1", system="commercetools", setting="project_key") == "my-shop_1"


def test_only_this_machine_is_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.8.9.1", "::1")))
    assert not any(map(is_loopback, ("localhost.example", "0.0.0.0", "128.0.0.1", "")))
