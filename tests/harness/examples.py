"""The pool files of docs/examples, as they run from a checkout."""

import re

from reeve import ROOT, word

EXAMPLES = ROOT / "docs/examples"
INSTALLED = "/usr/share/doc/reeve/examples"


def pool_text(path, port):
    """@path: in docs/examples; the text with this checkout's paths, listening on that port."""
    text = (EXAMPLES / path).read_text()
    text = re.sub(rf"{INSTALLED}(\S*)", lambda match: word(f"{EXAMPLES}{match[1]}"), text)
    return re.sub(r"^(ListenStream=127\.0\.0\.1):\d+", rf"\1:{port}", text, flags=re.MULTILINE)
