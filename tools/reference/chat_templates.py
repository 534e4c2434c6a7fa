"""Chat template renderings by transformers -> test/golden/chat-templates.json.

Run with transformers 5.17.0:  python tools/reference/chat_templates.py SMOLLM2_FOLDER
The templates are ours (chat-templates/*.jinja, chat_snippets.py) and SmolLM2-135M-Instruct's (Apache-2.0), read from its folder.
The date is fixed to the one that src/chat-template/chat-template.ts trains with.
"""

import datetime
import itertools
import json
import pathlib
import sys

import chat_snippets
import jinja2
import transformers
from transformers.utils import chat_template_utils

HERE = pathlib.Path(__file__).parent
OUT = HERE.parents[1] / "test" / "golden" / "chat-templates.json"
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}


class FixedDate(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 9, 5, 7)


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def call(name, **arguments):
    return {"type": "function", "id": "a1b2c3d4e", "function": {"name": name, "arguments": arguments}}


SYSTEM = {"role": "system", "content": "  Answer briefly.\n"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": 'The weather in a "city" <now> & here: it\'s é, 日本 😀',
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1}},
            "required": ["city"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}

CHATS = {
    "one question": ([user("Hi")], None),
    "an answer": ([user("What is 2+2?"), assistant("4")], None),
    "system and white space": ([SYSTEM, user(" \n what? \t"), assistant("\n so. \n\n")], None),
    "three turns": (
        [user("a"), assistant("<think>hm</think>\nb", reasoning="hm"), user("c"), assistant("d"), user("e")],
        None,
    ),
    "unicode and braces": ([user("{{ x }} {% if %} é 日本 😀 \u2028"), assistant("{# no #} <s> \\n 'q' \"r\"")], None),
    "tools": (
        [
            SYSTEM,
            user("Weather?"),
            assistant("", tool_calls=[call("weather", city="Zürich", days=2, exact=True, note=None, scale=0.5)]),
            {"role": "tool", "name": "weather", "content": "sunny\n20 °C "},
            assistant("Sunny."),
            user("And now?"),
        ],
        [WEATHER, CLOCK],
    ),
    "tools unused": ([user("Hi"), assistant("Hello")], [CLOCK]),
    "order of roles": ([user("a"), user("b")], None),
    "unknown role": ([{"role": "critic", "content": "bad"}, user("a")], None),
}


def render(template, messages, tools, prompt):
    try:
        texts, _ = chat_template_utils.render_jinja_template(
            [messages], tools=tools, chat_template=template, add_generation_prompt=prompt, **SPECIAL
        )
        return {"text": texts[0]}
    except jinja2.exceptions.TemplateError as error:
        return {"error": str(error)}


def render_snippet(source):
    """A failure is only told to be one: its words are Python's."""
    template = "{% set m = messages[0] %}" + source
    try:
        texts, _ = chat_template_utils.render_jinja_template(
            [[json.loads(chat_snippets.MESSAGE)]], chat_template=template
        )
        return {"source": template, "text": texts[0]}
    except Exception:
        return {"source": template, "fails": True}


def main():
    chat_template_utils.datetime = FixedDate
    templates = {path.stem: path.read_text() for path in sorted((HERE / "chat-templates").glob("*.jinja"))}
    templates["smollm2"] = (pathlib.Path(sys.argv[1]) / "chat_template.jinja").read_text()
    renderings = []
    for (name, template), (chat, (messages, tools)), prompt in itertools.product(
        templates.items(), CHATS.items(), (False, True)
    ):
        rendering = render(template, messages, tools, prompt)
        renderings.append({"template": name, "chat": chat, "addGenerationPrompt": prompt, **rendering})
    versions = {"transformers": transformers.__version__, "jinja2": jinja2.__version__}
    chats = {name: {"messages": messages, "tools": tools} for name, (messages, tools) in CHATS.items()}
    golden = {"versions": versions, "special": SPECIAL, "templates": templates, "chats": chats, "renderings": renderings}
    golden["message"] = chat_snippets.MESSAGE
    golden["snippets"] = [render_snippet(source) for source in chat_snippets.snippets()]
    OUT.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")


main()
