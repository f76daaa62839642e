"""Pictures: readable on light and dark, and told to who does not see them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tutor import curves, pictures
from tutor.pictures import Picture

SVG = "{http://www.w3.org/2000/svg}"
STATIONS = ["daphne", "http or websocket", "origin", "routes", "consumer"]

PICTURES = {
    "dots": curves.dots(
        "<Work>", {"a&b": {10: 0.001, 40: 0.9}, "now": {40: 0.2}}, "<said>", "clients"
    ),
    "steep": curves.dots("Work", {"now": {10: 0.9, 40: 1.0}}, "said", "clients"),
    "pulse": curves.pulse("Answers of <it>", 2.0, 1.0, "1 s & none"),
    "no hole": curves.pulse("Answers", 2.0, 0, "never"),
    "bars": pictures.bars("Bytes", {"polling": 174, "<WebSocket>": 7.4}, "bytes"),
    "zeros": pictures.bars("Seconds", {"a": 0, "b": 0}, "s"),
    **{
        f"path {at}": pictures.path("A knock & its way", STATIONS, at, "403 <no>")
        for at in range(len(STATIONS))
    },
}


def shown(picture: Picture) -> list[ElementTree.Element]:
    """The drawing's elements; parsing it shows that it is XML, all of it escaped."""
    return list(ElementTree.fromstring(picture.svg).iter())


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_says_what_it_shows(name: str) -> None:
    picture = PICTURES[name]
    root = shown(picture)[0]
    assert root.get("role") == "img"
    assert root.get("aria-label") == picture.text == repr(picture)
    assert picture.svg in picture._repr_html_()


@pytest.mark.parametrize("name", PICTURES)
def test_it_takes_the_pages_colours(name: str) -> None:
    found = set(re.findall(r'(?:fill|stroke)="([^"]+)"', PICTURES[name].svg))
    assert found <= {"currentColor", "none", pictures.ACCENT}
    assert shown(PICTURES[name])[0].get("fill") == "currentColor"


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_stands_outside(name: str) -> None:
    root, *elements = shown(PICTURES[name])
    _, _, width, height = map(float, root.get("viewBox", "").split())
    for element in elements:
        box = [float(element.get(key, 0)) for key in ("x", "y", "width", "height")]
        assert box[0] >= 0 and box[0] + box[2] <= width, element.attrib
        assert box[1] >= 0 and box[1] + box[3] <= height, element.attrib


def contrast(one: str, two: str) -> float:
    """WCAG 2.1, "contrast ratio"."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [
            p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
        ]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, bright = sorted((light(one), light(two)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#111111"], ids=["light", "dark"])
def test_what_stands_out_can_be_seen(page: str) -> None:
    assert contrast(pictures.ACCENT, page) >= 3


def test_bars_are_as_long_as_their_numbers() -> None:
    picture = pictures.bars("Bytes", {"a": 1000, "b": 250}, "bytes")
    long, short = [
        float(e.get("width", 0)) for e in shown(picture) if e.tag == f"{SVG}rect"
    ]
    assert short == pytest.approx(long / 4, abs=0.1)
    assert picture.text == "Bytes: a: 1,000 bytes; b: 250 bytes"


def test_the_way_ends_where_it_was_answered() -> None:
    picture = pictures.path("A knock", STATIONS, 2, "403")
    assert picture.text == "daphne → http or websocket → origin: 403"
    boxes = [e.get("stroke") for e in shown(picture) if e.tag == f"{SVG}rect"]
    assert boxes.index(pictures.ACCENT) == 2 and boxes.count(pictures.ACCENT) == 1
    faint = [e for e in shown(picture) if e.get("opacity")]
    assert len(faint) == 2
    assert picture.svg.count("→</text>") == 2
