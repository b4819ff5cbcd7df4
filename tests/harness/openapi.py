"""Hold every response of the API against the document that the API serves about itself."""

import re

import jsonschema

PROBLEM = "application/problem+json"
HTTP_METHODS = {"get", "put", "post", "patch", "delete", "head"}
FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time")
def is_date_time(value):
    """RFC 3339, as far as a regular expression can tell."""
    return not isinstance(value, str) or re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value) is not None


class Mismatch(AssertionError):
    """A response that the document does not foresee."""


class Document:
    """An OpenAPI 3.1 document and what it says about one response."""

    def __init__(self, document):
        self.document = document
        # JSON Pointers into the document are how its schemas name one another.
        self.resolver = jsonschema.RefResolver("", document)
        # The more literal a template, the earlier it is tried: /pools/x before /pools/{pool}.
        self.templates = sorted(document["paths"], key=lambda path: (path.count("{"), path))

    def resolve(self, part):
        while "$ref" in part:
            _, part = self.resolver.resolve(part["$ref"])
        return part

    def template_of(self, path):
        """The template in `paths` that this path fits, None if there is none."""
        for template in self.templates:
            literal = re.split(r"\{[^}]*\}", template)
            if re.fullmatch("[^/]+".join(map(re.escape, literal)), path):
                return template
        return None

    def operations(self):
        """(method, template, operation) of all that is documented."""
        for template, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if method in HTTP_METHODS:
                    yield method.upper(), template, operation

    def validator(self, schema):
        return jsonschema.Draft202012Validator(schema, resolver=self.resolver,
                                               format_checker=FORMATS)

    def check_value(self, schema, value, what):
        errors = [f"{error.json_path}: {error.message}"
                  for error in self.validator(schema).iter_errors(value)]
        if errors:
            raise Mismatch(f"{what}: {'; '.join(errors[:5])}\n{value!r}")

    def response_of(self, method, path, status):
        """What the document says of this response; None where it knows no such operation."""
        template = self.template_of(path)
        operation = self.document["paths"].get(template, {}).get(method.lower())
        if operation is None:
            return None
        responses = operation["responses"]
        found = responses.get(str(status), responses.get("default"))
        if found is None:
            raise Mismatch(f"{method} {template}: status {status} is not documented")
        return self.resolve(found)

    def problem_schema(self):
        schemas = self.document["components"]["schemas"]
        return next(schema for name, schema in schemas.items() if name.lower() == "problem")

    def check(self, method, path, status, content_type, value):
        """@value: the parsed body where the type is JSON; raises Mismatch"""
        what = f"{method} {path}: {status} {content_type}"
        response = self.response_of(method, path, status)
        if response is None:
            if (status, content_type) not in {(404, PROBLEM), (405, PROBLEM), (400, PROBLEM)}:
                raise Mismatch(f"{what}: a route that is not documented may only be refused")
            self.check_value(self.problem_schema(), value, what)
            return
        content = response.get("content", {})
        if content_type is None and not content:
            return
        if content_type not in content:
            raise Mismatch(f"{what}: documented are {sorted(content)}")
        if content_type.endswith("json") and "schema" in content[content_type]:
            self.check_value(content[content_type]["schema"], value, what)
