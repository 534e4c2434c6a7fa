import { ScaloraError } from "../util/errors.ts";
import { nearestName } from "../util/nearest-name.ts";
import type { ChatMessage } from "./chat-template.ts";

/** What every chat may have; a template that takes another role names it. */
const standardRoles: readonly string[] = ["system", "user", "assistant", "tool"];

/** ShareGPT's names, whose rows have other keys too. */
const sharegpt: Readonly<Record<string, string>> = { human: "user", gpt: "assistant" };

/**
 * Refuses a role that is neither usual nor named in the chat template: rendered as it is, no model has ever seen it.
 * @param template the Jinja source
 * @throws ScaloraError `data` naming the message, the role and those that there are
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

/** Whether the source has a role's name as a text of its own. */
function mentionsRole(template: string, role: string): boolean {
  return template.includes(`'${role}'`) || template.includes(`"${role}"`);
}
