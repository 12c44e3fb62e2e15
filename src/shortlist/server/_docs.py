"""A documentation page that needs nothing from elsewhere."""

import json
from html import escape

from shortlist.server._openapi import EXAMPLES, openapi

__all__ = ["docs_page"]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Shortlist API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 52rem;
  margin: 2rem auto; padding: 0 1rem; color: #1c2430; }}
h1 {{ font-size: 1.6rem; }} h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
code, pre, textarea {{ font: 14px/1.45 ui-monospace, monospace; }}
pre {{ background: #f4f6f8; padding: .8rem; overflow: auto; border-radius: 6px; }}
textarea {{ width: 100%; height: 6rem; box-sizing: border-box; padding: .6rem; }}
.method {{ background: #1f6f54; color: white; border-radius: 4px; padding: .1rem .5rem; font-size: .8rem; }}
button {{ font: inherit; padding: .3rem 1rem; margin: .4rem 0; }}
</style></head><body>
<h1>Shortlist API</h1>
<p>Version {version}. The machine-readable form is at <a href="/openapi.json">/openapi.json</a>.</p>
{operations}
<h2>Try it</h2>
<label for="body">Body of <code>POST /recommend</code></label>
<textarea id="body">{example}</textarea>
<button id="send">Send</button>
<pre id="answer" aria-live="polite">The answer appears here.</pre>
<script>
document.getElementById("send").onclick = async () => {{
  const shown = document.getElementById("answer");
  try {{
    const answer = await fetch("/recommend", {{method: "POST", body: document.getElementById("body").value}});
    shown.textContent = answer.status + "\\n" + JSON.stringify(await answer.json(), null, 2);
  }} catch (error) {{ shown.textContent = "No answer: " + error; }}
}};
</script></body></html>
"""


def docs_page(version: str) -> str:
    """HTML listing every operation with its examples, and a form to try ``/recommend``."""
    document = openapi(version)
    parts = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            title = f'<h2><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h2>'
            examples = "".join(
                f"<pre>{escape(json.dumps(body))}</pre>" for body in EXAMPLES.get(f"{method} {path}", ())
            )
            parts.append(f"{title}<p>{escape(operation['summary'])}.</p>{examples}")
    example = escape(json.dumps(EXAMPLES["post /recommend"][0]))
    return _PAGE.format(version=escape(version), operations="\n".join(parts), example=example)
