import type { ChatMessage } from "../../chat-template/chat-template.ts";
import { ScaloraError } from "../../util/errors.ts";
import { nearestName } from "../../util/nearest-name.ts";

/** Roles that every template supports; a template that supports another one contains its name. */
const standardRoles: readonly string[] = ["system", "user", "assistant", "tool"];

/** ShareGPT's roles, with their names here. */
const sharegpt: Readonly<Record<string, string>> = { human: "user", gpt: "assistant" };

/**
 * Refuses a role that is neither standard nor named in the chat template: the model was not trained with it.
 * @param template its Jinja source
 * @throws ScaloraError `data` naming the message, the role and the supported roles
 */
export function checkRoles(messages: readonly ChatMessage[], template: string, source: string): void {
  for (const [index, { role }] of messages.entries()) {
    if (standardRoles.includes(role) || mentionsRole(template, role)) continue;
    const meant = sharegpt[role] ?? nearestName(role, standardRoles);
    throw new ScaloraError("data", `A message has the role "${role}"`, {
      where: `${source}, message ${index + 1}`,
      expected: `${standardRoles.join(", ")}, or another that the chat template names`,
      found: `${role}, which it does not`,
      ...(meant !== undefined && {
        fix: Object.hasOwn(sharegpt, role)
          ? `write "${meant}", or keep ShareGPT's names with its keys "from" and "value"`
          : `did you mean "${meant}"?`,
      }),
    });
  }
}

/** Whether the template's source contains a role as a string literal. */
function mentionsRole(template: string, role: string): boolean {
  return template.includes(`'${role}'`) || template.includes(`"${role}"`);
}
