"""The page of Django's own login: the fields that it has to have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.found import Found
from tutor.doctor.source.walking import walk

RANK = 70
TRIED = "reading the page"
_FORM = re.compile(r"\{\{-?\s*form\b|\{%[^%]*\bform\b|\bin\s+form\b")
_ERRORS = re.compile(r"\bform\.(?:\w+\.)?(?:non_field_)?errors\b")
_OTHER = re.compile(r"\{\{-?\s*(\w+)\s*(?:\.\s*as_\w+|\|\s*crispy)?\s*-?\}\}")
_VIEW = "django.contrib.auth.views.LoginView.as_view"
_FIELD = re.compile(r"<input\b[^>]*>", re.I)


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    texts = [one.text for one in seen.source.modules.values()]
    if not any(re.search(r"\bLoginView\b|contrib\.auth\.urls", one) for one in texts):
        return
    if any(re.search(r"authentication_form|AuthenticationForm", one) for one in texts):
        return  # its fields may be called otherwise
    names = ("/registration/login.html", *_named(seen))
    for page in every:
        text = page.script.text
        posts = re.search(r"<form\b[^>]*>", text, re.I)
        if not f"/{page.script.file}".endswith(names) or not posts:
            continue
        if len(re.findall(r"<form\b", text, re.I)) == 1 and not re.search(
            r"\bmethod\s*=\s*[\"']?post|\bhx-post\b", posts[0], re.I
        ):
            yield Found(
                "client-form-method-refused",
                "the same page again, and the password in its address",
                page.spot(posts.start()),
                RANK,
                TRIED,
                'method="post"',
                "A form without a method asks by GET; a login is a POST.",
            )
            return
        if _FORM.search(_ERRORS.sub("", text)) or re.search(r"\{%-?\s*include\b", text):
            continue
        named = re.findall(r"<input\b[^>]*\bname\s*=\s*[\"']?([\w-]+)", text, re.I)
        if {"username", "password"} <= {*named}:
            continue
        other = _OTHER.search(text, posts.end())
        field = _FIELD.search(text, posts.end())
        at = other or field or posts
        lacks = sorted({"username", "password"} - {*named})[-1]
        yield Found(
            None if other else "client-form-field-not-named",
            f"no field {lacks!r} is sent"
            + (f": the page is given no {other[1]}" if other else ""),
            page.spot(at.start()),
            RANK,
            TRIED,
            "{{ form.as_p }}" if other else 'name="username", and name="password"',
            "LoginView calls its form form, and its fields username and password.",
        )
        return


def _named(seen: Evidence) -> Iterator[str]:
    """The templates that a LoginView is given in a list of paths."""
    for module in seen.source.modules.values():
        for node in walk(module.tree) if "LoginView" in module.text else ():
            if isinstance(node, ast.Call) and module.resolve(node.func) == _VIEW:
                for one in node.keywords:
                    if one.arg == "template_name":
                        yield f"/{getattr(one.value, 'value', '')}"
