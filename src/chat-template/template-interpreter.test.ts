import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { ChatTemplate } from "./chat-template.ts";

const file = "model/chat_template.jinja";

/** A text of 8 · 2^times characters in `ns.s`. */
const doubled = (times: number) =>
  `{% set ns = namespace(s='xxxxxxxx', l=[1]) %}{% for i in range(${times}) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`;

const hostile: Record<string, string> = {
  "a range of a billion": "{% for i in range(1000000000) %}x{% endfor %}",
  "a range without end": "{{ range(0, 5, 0) }}",
  "nested loops": "{% for i in range(9999) %}{% for j in range(9999) %}{{ i + j }}{% endfor %}{% endfor %}",
  "loops that do nothing":
    "{% set r = range(9999) %}{% for i in r %}{% for j in r %}{% endfor %}{% endfor %}",
  "a text doubled again and again": doubled(100),
  "a list doubled again and again":
    "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
  "a list of itself, twice":
    "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}",
  "a namespace in itself": "{% set ns = namespace(a=1) %}{% set ns.a = [ns, ns] %}{{ ns | tojson }}",
  "a macro that calls itself": "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(0) }}",
  "a long text written for ever": `${doubled(17)}{% for i in range(50000) %}{{ ns.s }}{% endfor %}`,
  "a list of one long text written for ever": `${doubled(17)}{% set l = [ns.s] %}{% for i in range(50000) %}{{ l }}{% endfor %}`,
  "lists compared again and again":
    "{% set r = range(30000) %}{% set s = range(30000) %}{% for i in r %}{{ r == s }}{% endfor %}",
  "replace()": `${doubled(14)}{{ ns.s.replace('x', ns.s) }}`,
  "replace() by another name": `${doubled(14)}{% set f = ns.s.replace %}{{ f(*['x', ns.s]) }}`,
  "the filter replace": `${doubled(14)}{{ ns.s | replace('x', ns.s) }}`,
  "the filter join": `${doubled(14)}{{ range(9999) | join(ns.s) }}`,
  "the filter indent": "{{ 'a\nb' | indent(500000000) }}",
  "a block that is indented": "{% filter indent(500000000) %}a\nb{% endfilter %}",
  "the filter tojson": "{{ [1] | tojson(**{'indent': 500000000}) }}",
};

test.each(Object.entries(hostile))("%s ends in an error that names the template", (_name, source) => {
  const template = new ChatTemplate(source, {}, file);
  const render = () => template.render([{ role: "user", content: "a" }], { source: "data:1" });
  expect(render).toThrow(refusal("model", { where: file, found: /^line [12], \{.*data:1$/ }));
});

test("a limit is told with the line of the innermost tag", () => {
  const source =
    "{# a #}{{ 'text' }}{% if messages %}\n{% set x = 1 %}{% else %}{{ 1 }}{% endif %}\n{{ range(60000) }}";
  expect(() => new ChatTemplate(source, {}, file).render([])).toThrow(
    refusal("model", { found: /^line 3, \{\{ range\(60000\) \}\}: a range/ }),
  );
});

test.each([
  ["spaces", " ".repeat(5000)],
  ["characters", "x".repeat(300_000)],
  ["parentheses", `{{ ${"(".repeat(50_000)} }}`],
])("a source of many %s is refused", (_name, source) => {
  expect(() => new ChatTemplate(source, {}, file)).toThrow(refusal("model", { where: file }));
});

test("a long conversation is within the limits", () => {
  const source =
    "{% for m in messages %}{{ '<' ~ m.role ~ '>' + m['content'] | trim + eos_token }}{% if messages[-1] == m %}.{% endif %}{% endfor %}";
  const template = new ChatTemplate(source, { eos: { id: 0, content: "</s>" } });
  const messages = Array.from({ length: 1000 }, (_, i) => ({ role: "user", content: `${i}`.repeat(300) }));
  expect(template.render(messages)).toMatch(/^<user>0.*<\/s>\.$/);
});
