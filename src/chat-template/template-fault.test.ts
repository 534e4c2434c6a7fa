import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { ChatTemplate } from "./chat-template.ts";
import { findTemplateFault } from "./template-fault.ts";

const message = "{% for m in messages %}\n{{ m.role }}";

test.each([
  [`${message}\n{{ m.content }\n{% endfor %}{{ 1 }}`, 3, "{{ m.content }"],
  [`${message}{{ 1 + }}{% endfor %}`, 2, "{{ 1 + }}"],
  [`${message}{% elif %}{% endfor %}`, 2, "{% elif %}"],
  [`${message}{% foo %}{% endfor %}`, 2, "{% foo %}"],
  [`${message}\n{% endif %}`, 3, "{% endif %}"],
  [`${message}\n\n`, 1, "{% for m in messages %}"],
  [`{# }} #}\n{% set a %}x{% endset %}{% set b = 1 -%}\n{{ 'abc`, 3, "{{ 'abc"],
  // What is within a string ends nothing, nor do the brackets of mappings.
  [`{{ '}}' }}{% set a = '%}' %}{{ "\\"}}" }}{{ 'a%}' }}\n{{ 1 + }}`, 2, "{{ 1 + }}"],
  [`{{ {'a': {'b': 1}} }}{% set a = {'b': {}} %}\n{% foo %}`, 2, "{% foo %}"],
  // The parser does not know it.
  ["{% raw %}{{ 1 }}{% endraw %}\n{{ 1 + }}", 1, "{% raw %}"],
])("the fault of %j is in line %i, at %j", (source, line, tag) => {
  expect(findTemplateFault(source)).toEqual({ line, tag });
});

test.each(["{{", "{%", "{#", "{% x", "{{ 1 }}"])("many %s cost no more than each", (tag) => {
  const started = performance.now();
  findTemplateFault(`${tag.repeat(200_000 / tag.length)}{% ${"x".repeat(200_000)}`);
  expect(performance.now() - started).toBeLessThan(3000);
});

test("no published template has a fault", () => {
  const file = new URL("../../test/golden/chat-templates.json", import.meta.url);
  const { templates } = JSON.parse(readFileSync(file, "utf8"));
  for (const source of Object.values<string>(templates)) expect(findTemplateFault(source)).toBeUndefined();
});

test.each([
  ["{{ m.content }", /expected \}\}, found \}$/],
  ["{{ 1 + }}", /Unexpected token: \}\}$/],
  ["{% if a %}", /it ends within a tag or a block$/],
])("what is wrong with %j is said in the template's own signs", (source, found) => {
  expect(() => new ChatTemplate(source, {})).toThrow(refusal("model", { found }));
});

test("a template that does not parse is refused with its file, the line, and what to do", () => {
  expect(() => new ChatTemplate(`${message}\n{{ 1 + }}`, {}, "m/chat_template.jinja")).toThrow(
    refusal("model", {
      where: "m/chat_template.jinja",
      found: /^line 3, \{\{ 1 \+ \}\}: Unexpected token/,
      fix: "chat_template.jinja",
    }),
  );
});
