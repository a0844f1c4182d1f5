"""What schemathesis cannot know of this server: how lines are sent, and which refusals no description can foresee."""

import schemathesis

# Refusals of a request that is as described, by their status. Each rests on what is stored, on the time, or on parameters
# that do not go together, which OpenAPI has no words for. Any other code is a gap in the description.
UNFORESEEN = {
    400: {
        "body_unexpected",  # With only=ttl there is none.
        "collection_name_invalid",  # Of a new collection; one that the Go server has made may be called so.
        "collection_options_invalid",  # A duration of many parts that is longer than a century.
        "condition_invalid",  # Entity tags have a grammar; the description says "string".
        "import_invalid",  # The lines of a body are one string to a description.
        "json_invalid",  # Likewise; and a number that is beyond what JSON texts hold.
        "key_empty",  # Neither key nor prefix, where one of them is needed.
        "key_too_long",  # A limit in bytes; descriptions count characters.
        "operation_invalid",  # Of an atomic bulk, whose lines are one string.
        "parameter_invalid",  # A moment that has passed; a field that contradicts another.
        "parameters_conflict",
        "patch_invalid",  # What an operation needs depends on which one it is.
    },
    410: {"changes_gone"},
    412: {"condition_failed"},
    422: {"patch_unprocessable"},
    428: {"condition_required"},
}


@schemathesis.hook
def filter_case(context, case):
    """Lines are one string to the description, and whatever else is sent for it is a string by then."""
    return case.media_type != "application/x-ndjson" or isinstance(case.body, (str, bytes, type(schemathesis.core.NOT_SET)))


@schemathesis.hook
def before_call(context, case, kwargs):
    """A reply that may have a body or none, as it is preferred, is nothing that OpenAPI can describe."""
    if case.method in ("POST", "PUT", "PATCH") and "minimal" in str((case.headers or {}).get("Prefer")):
        del case.headers["Prefer"]


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """Lines are a string in the description."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.check
def refused_for_what_cannot_be_described(context, response, case):
    """A request that is as described is refused only for what a description cannot say."""
    expected = UNFORESEEN.get(response.status_code)
    if expected is None or case.meta is None or case.meta.generation.mode.is_negative or case.method == "HEAD":
        return
    if "problem+json" in response.headers.get("content-type", [""])[0]:
        code = response.json().get("code")
        assert code in expected, f"{response.status_code} {code} for what is as described"
