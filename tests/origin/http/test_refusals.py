"""Bad requests: each gets one clear answer in one shape, and the server does not mind."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.conftest import OriginFactory
from tests.support.origin import Library, OriginServer, Response, until

MOST_SHOWN = 40
MEMBERS = {"type", "title", "status", "code", "detail", "request_id"}
ABOUT_ARGUMENTS = {"component", "argument", "position", "expected", "nearest"}


def problem(answer: Response) -> dict[str, object]:
    """The document of a refusal, whose shape is the same everywhere."""
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Content-Length"] == str(len(answer.body))
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert len(answer.body) <= 1_300
    assert answer.body.isascii()
    document: dict[str, object] = answer.json
    assert set(document) >= MEMBERS
    assert document["status"] == answer.status
    assert document["request_id"] == answer["X-Request-Id"]
    if answer.status in {404, 410}:
        assert (answer["Cache-Control"], answer["Vary"]) == ("public, max-age=10", "Authorization, Cookie")
    else:
        assert (answer["Cache-Control"], answer.headers["Vary"]) == ("no-store", None)
    assert "ETag" not in answer
    if answer.status in {429, 503, 504}:
        assert 1 <= int(answer["Retry-After"]) <= 60
    return document


# The URL ---------------------------------------------------------------------------------------------------

LANGUAGE = {
    "unknown argument": ("/wdth_300/{id}", "argument_unknown", "wdth_300"),
    "argument without value": ("/w_/{id}", "value_invalid", "w_"),
    "no such thing at all": ("/zz_1/{id}", "argument_unknown", "zz_1"),
    "repeated": ("/w_300,w_200/{id}", "argument_repeated", "w_200"),
    "repeated output": ("/f_webp/f_png/{id}", "argument_repeated", "f_png"),
    "impossible width": ("/w_0/{id}", "value_invalid", "w_0"),
    "too wide to be read": ("/w_65536/{id}", "value_invalid", "w_65536"),
    "negative width": ("/w_-5/{id}", "value_invalid", "w_-5"),
    "exponent": ("/w_1e3/{id}", "value_invalid", "w_1e3"),
    "leading zero": ("/w_0300/{id}", "value_invalid", "w_0300"),
    "underscores in a number": ("/w_3_0_0/{id}", "value_invalid", "w_3_0_0"),
    "plus sign": ("/w_+300/{id}", "value_invalid", "w_+300"),
    "not a number": ("/dpr_nan/{id}", "value_invalid", "dpr_nan"),
    "Arabic digits": ("/w_%D9%A3%D9%A0/{id}", "value_invalid", "w_"),
    "full-width digits": ("/w_%EF%BC%93/{id}", "value_invalid", "w_"),
    "impossible quality": ("/q_101/{id}", "value_invalid", "q_101"),
    "unknown format": ("/f_bmp/{id}", "value_invalid", "f_bmp"),
    "unknown effect": ("/e_swirl/{id}", "argument_unknown", "e_swirl"),
    "impossible turn": ("/r_45/{id}", "value_invalid", "r_45"),
    "Cloudinary's corner radius": ("/r_20/{id}", "value_invalid", "r_20"),
    "Cloudinary's orientation": ("/a_auto_right/{id}", "value_invalid", "a_auto_right"),
    "Cloudinary's list of angles": ("/a_90.hflip/{id}", "value_invalid", "a_90.hflip"),
    "Cloudinary's flags": ("/fl_tiled.layer_apply/{id}", "argument_unknown", "fl_tiled.layer_apply"),
    "a whole word": ("/quality_80/{id}", "argument_unknown", "quality_80"),
    "crop without size": ("/c_fill/{id}", "size_missing", "c_fill"),
    "contradiction": ("/w_100,h_100,ar_2/{id}", "argument_conflict", "ar_2"),
    "unknown preset": ("/t_card/{id}", "preset_unknown", "t_card"),
    "closing nothing": ("/fl_layer_apply/{id}", "layer_unopened", "fl_layer_apply"),
    "metadata of another word": ("/meta_some/{id}", "value_invalid", "meta_some"),
    "empty argument": ("/w_1,,h_1/{id}", "argument_unknown", None),
    "markup": ("/w_<b>/{id}", "path_invalid", None),
}


@pytest.mark.parametrize(("path", "code", "argument"), LANGUAGE.values(), ids=LANGUAGE.keys())
def test_a_bad_argument_is_named(origin: OriginServer, path: str, code: str, argument: str | None) -> None:
    answer = origin.get(path.format(id=origin.ids["card.jpg"]))
    document = problem(answer)
    assert answer.summary[0] == 400
    if argument is None:
        return
    assert answer.code == code
    assert str(document["argument"]).startswith(argument)
    assert document["component"] in {1, 2}
    assert set(document) <= MEMBERS | ABOUT_ARGUMENTS
    assert path.encode()[int(str(document["position"])) :].startswith(argument.encode())
    assert document["expected"]


@pytest.mark.parametrize(
    ("path", "lesson"),
    [
        ("/r_20/{id}", "corner radius is rad_20, free angle is a_20"),
        ("/fl_tiled.layer_apply/{id}", "fl_"),
        ("/quality_80/{id}", "q_"),
        ("/width_80/{id}", "w_"),
        ("/a_auto_right/{id}", "r_90"),
    ],
)
def test_a_wrong_habit_is_told_the_right_word(origin: OriginServer, path: str, lesson: str) -> None:
    assert lesson in str(problem(origin.get(path.format(id="x")))["detail"])


PATHS = {
    "no source": ("/w_300", "source_missing"),
    "no source after a slash": ("/w_300/", "path_invalid"),
    "source with a comma": ("/w_300/a,b", "source_missing"),
    "double slash": ("//w_300/x", "path_invalid"),
    "double slash within": ("/w_300//x", "path_invalid"),
    "dot": ("/./w_300/x", "path_invalid"),
    "dots": ("/../w_300/x", "path_invalid"),
    "dots before the id": ("/w_300/../x", "path_invalid"),
    "escaped dots": ("/w_300/%2E%2E/x", "path_invalid"),
    "escaped dots, lower case": ("/w_300/%2e%2e/x", "path_invalid"),
    "escaped letter": ("/w_300/%61", "path_invalid"),
    "escaped digit": ("/w_%33/x", "path_invalid"),
    "escaped underscore": ("/w%5F300/x", "path_invalid"),
    "lower-case escape": ("/l_text:Sans_20:%c3%bc/x", "path_invalid"),
    "half an escape": ("/w_300/x%2", "path_invalid"),
    "no escape": ("/w_300/x%zz", "path_invalid"),
    "null": ("/w_300/x%00", "path_invalid"),
    "escaped line end": ("/w_300%0A/x", "path_invalid"),
    "escaped delete": ("/w_300/%7F", "path_invalid"),
    "C1 control": ("/l_text:Sans_20:%C2%80/x", "path_invalid"),
    "not UTF-8": ("/l_text:Sans_20:%FF/x", "path_invalid"),
    "overlong UTF-8": ("/l_text:Sans_20:%C0%AF/x", "path_invalid"),
    "surrogate": ("/l_text:Sans_20:%ED%A0%80/x", "path_invalid"),
    "raw UTF-8": ("/w_300/ü".encode(), "bad_request"),  # no HTTP
    "backslash": ("/w_300\\x", "path_invalid"),
    "quote": ('/w_300/"x', "path_invalid"),
    "query": ("/w_300/x?a=1", "query_not_allowed"),
    "known as a query": ("/{id}?w=300", "query_not_allowed"),
    "double escape": ("/w_300/%252E%252E", "id_invalid"),
    "escaped slash in an id": ("/w_300/a%2Fb", "id_invalid"),
    "unknown extension": ("/w_300/{id}.bmp", "extension_unknown"),
    "extension against format": ("/f_png/{id}.webp", "argument_conflict"),
    "id with odd characters": ("/w_300/a~b", "id_invalid"),
    "id of 65": ("/w_300/" + "a" * 65, "id_invalid"),
    "too many components": ("/" + "w_9/" * 25 + "x", "too_many_components"),
    "too many arguments": ("/" + "w_1,h_1,c_fill/" * 22 + "x", "too_many_arguments"),
    "too many layers": ("/" + "l_x/" * 9 + "x", "too_many_layers"),
    "version of a named source": ("/v_1/@pictures/a.png", "argument_conflict"),
    "raw file of a named source": ("/raw_1/@pictures/a.png", "argument_conflict"),
}


@pytest.mark.parametrize(("path", "code"), PATHS.values(), ids=PATHS.keys())
def test_a_bad_path_is_refused_as_it_was_sent(origin: OriginServer, path: str | bytes, code: str) -> None:
    target = path if isinstance(path, bytes) else path.replace("{id}", origin.ids["card.jpg"])
    answer = origin.get(target)
    assert answer.status == 400
    problem(answer)
    assert answer.code == code


@pytest.mark.parametrize("target", [b"/w_300/\x01x", b"/w_300/\x7fx", b"/w_300/x\x00", b"/w_300/a b", b"x"])
def test_bytes_that_are_no_request_are_refused(origin: OriginServer, target: bytes) -> None:
    assert origin.get(target).status == 400


RESERVED = (
    "auth images upload presign explain healthz readyz metrics docs openapi "
    "favicon robots iiif api console static s1 p1"
)


@pytest.mark.parametrize("name", RESERVED.split())
def test_a_reserved_id_names_no_picture(origin: OriginServer, name: str) -> None:
    answer = origin.get(f"/w_300/{name}")
    problem(answer)
    assert answer.summary == (400, "id_reserved")


@pytest.mark.parametrize(("length", "status"), [(1_024, 404), (1_025, 400), (8_000, 400)])
def test_the_length_of_a_path_is_bounded(origin: OriginServer, length: int, status: int) -> None:
    free = length - len("/l_text:Sans_20:/none")
    path = "/l_text:Sans_20:" + "%20" * (free // 3) + "a" * (free % 3) + "/none"
    answer = origin.get(path)
    problem(answer)
    assert answer.status == status
    if status == 400:
        assert answer.code == "path_too_long"


def test_the_longest_path_is_a_setting(origin_factory: OriginFactory) -> None:
    server = origin_factory(ORIGIN_MAX_URL_BYTES="100")
    assert [server.get("/" + "a" * length).code for length in (64, 65, 100)] == [
        "not_found",
        "id_invalid",
        "path_too_long",
    ]


@pytest.mark.parametrize(
    "argument",
    [
        "w_" + "9" * 600,
        "e_" + "x" * 600,
        "f_" + "%3Cscript%3E" * 40,
        "zz_%22%5C" + "%C3%BC" * 100,
        "w_1," + "q" * 500,
        "l_text:Sans_20:" + "a" * 700 + ":b:c:d",
        "t_" + "a" * 300 + ":" + "b" * 300,
        "b_" + "a" * 500,
        "bo_" + "1px_solid_" * 40,
        "d_" + "a" * 500,
        "g_" + "north_" * 80,
        "a_" + "9" * 400,
        "fl_" + "a.b" * 100,
    ],
)
def test_little_of_an_argument_is_repeated(origin: OriginServer, argument: str) -> None:
    answer = origin.get(f"/{argument}/x")
    document = problem(answer)
    assert answer.status == 400
    assert len(str(document.get("argument", ""))) <= MOST_SHOWN
    assert b"<script" not in answer.body
    for start in range(len(argument) - 60):
        assert argument[start : start + 60] not in json.dumps(document), document


def test_answers_are_json_whatever_was_sent(origin: OriginServer) -> None:
    text = "\"};alert('<script>')//\\"
    document = problem(origin.get(f"/zz_{quote(text, safe='')}/x"))
    assert "zz_" in str(document["argument"])


# What is not there -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/none", "/w_9/none", "/none.webp", "/w_9/@none/a.jpg", "/w_60/l_none/{id}", "/v_2/{id}"]
)
def test_what_is_not_there_is_a_404_that_ends_soon(origin: OriginServer, path: str) -> None:
    answer = origin.get(path.format(id=origin.ids["card.jpg"]))
    problem(answer)
    assert answer.summary == (404, "not_found")


def test_what_was_there_is_gone(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library)
    public, private = server.ids["card.jpg"], server.ids["secret.png"]
    assert server.get(f"/w_9/{public}").status == 200
    assert [server.cli("rm", name).returncode for name in (public, private)] == [0, 0]
    until(lambda: server.get(f"/w_9/{public}").status == 410)
    answer = server.get(f"/w_9/{public}")
    problem(answer)
    assert answer.summary == (410, "gone")
    assert server.get(f"/w_9/{private}").summary == (404, "not_found")


# Methods ---------------------------------------------------------------------------------------------------

METHODS = ("POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "LINK", "PURGE", "SEARCH", "MKCOL")


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_is_only_read(origin: OriginServer, method: str) -> None:
    for path in (f"/w_9/{origin.ids['card.jpg']}", "/w_9/none", "/w_x/none"):
        answer = origin.get(path, method)
        problem(answer)
        assert answer.summary == (405, "method_not_allowed")
        assert answer["Allow"] == "GET, HEAD, OPTIONS"


def test_no_header_makes_another_method_of_it(origin: OriginServer) -> None:
    path = f"/w_9/{origin.ids['card.jpg']}"
    assert origin.get(path, X_HTTP_Method_Override="DELETE").status == 200
    assert origin.get(path).status == 200


def test_options_tell_the_origins_that_are_named(origin_factory: OriginFactory) -> None:
    server = origin_factory(ORIGIN_CORS_ORIGINS="https://app.example, https://b.example")
    known = server.get("/w_9/x", "OPTIONS", Origin="https://app.example")
    assert (known.status, known.body, known["Allow"]) == (204, b"", "GET, HEAD, OPTIONS")
    assert known["Access-Control-Allow-Origin"] == "https://app.example"
    assert known["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert known["Vary"] == "Origin"
    stranger = server.get("/w_9/x", "OPTIONS", Origin="https://evil.example")
    assert (stranger.status, "Access-Control-Allow-Origin" in stranger) == (204, False)
    assert server.get("/w_9/x", "OPTIONS").status == 204


def test_after_all_this_the_server_is_well(origin: OriginServer) -> None:
    assert origin.healthy()
    assert origin.get("/readyz").json["status"] == "ready"
    assert origin.get(f"/w_9/{origin.ids['card.jpg']}").status == 200
