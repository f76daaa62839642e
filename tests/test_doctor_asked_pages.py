"""Pages besides that at /: some are asked for, by a stranger and by a member."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tutor import doctor

sys.path.insert(0, str(Path(__file__).parent / "variants"))
import shapes

VIEWS = "halls/views.py"
RENDER = '    return render(request, "halls/hall.html", {"number": number})\n'
GUARDED = f"@login_required\ndef hall(request, number):\n{RENDER}"


def hall(body: str, guard: str = "") -> shapes.Change:
    """The view of the page of one hall, with another body."""
    return VIEWS, GUARDED, f"{guard}def hall(request, number):\n{body}"


@pytest.mark.parametrize(
    ("slug", "text", "change"),
    [
        ("client-view-returns-nothing", "def hall", hall(RENDER.replace("return", ""))),
        (
            "client-view-returns-nothing",
            "def hall",
            hall(RENDER.replace("return", ""), "@login_required\n"),
        ),
        (
            "python-name-not-defined",
            "hall_number",
            hall("    hall_number.real\n" + RENDER),
        ),
        (
            "python-attribute-misspelled",
            "request.usr",
            hall("    request.usr\n" + RENDER, "@login_required\n"),
        ),
    ],
    ids=["of strangers", "of members", "a name", "an attribute"],
)
def test_a_page_that_fails_is_named(
    slug: str, text: str, change: shapes.Change, tmp_path: Path
) -> None:
    project = shapes.write("guild", [change], tmp_path / "guild")
    lines = (project / VIEWS).read_text("utf-8").splitlines()
    (number,) = [n for n, line in enumerate(lines, 1) if text in line]
    first = doctor.diagnose(project).findings[0]
    assert (first.slug, first.file, first.line) == (slug, VIEWS, number)


@pytest.mark.parametrize(
    "tag", ["{% if number %}", "{% for a, b in 'xyz' %}{% endfor %}"]
)
def test_a_template_that_cannot_be_read_is_named(tag: str, tmp_path: Path) -> None:
    page = "halls/templates/halls/hall.html"
    changes = [(page, "<ul id", f"{tag}<ul id")]
    first = doctor.diagnose(shapes.write("guild", changes, tmp_path / "g")).findings[0]
    assert (first.slug, first.file) == (None, page)


@pytest.mark.parametrize(
    "body",
    [
        "    request.user.profile\n",  # who is nobody here
        "    import json\n    json.loads(request.body)\n",  # for a form
        "    from .models import Hall\n    Hall.objects.get(pk=number + 500)\n",
        "    from .models import Hall\n    Hall.objects.filter(pk=0).first().name\n",
        "    request.POST['text']\n",
        "    from django.http import Http404\n    raise Http404\n",
        "    import time\n    time.sleep(20)\n",
    ],
    ids=["nobody", "body", "no row", "nothing", "no form", "nowhere", "slow"],
)
def test_what_a_page_may_count_on_is_no_mistake(body: str, tmp_path: Path) -> None:
    project = shapes.write("guild", [hall(body + RENDER)], tmp_path / "guild")
    assert doctor.diagnose(project).findings == []
