import { internalError } from "../../util/errors.ts";
import type { Random } from "../../util/random.ts";
import type { Split } from "../demo.ts";
import { type Intent, intentNames, phrases, type Urgency, urgencyNames } from "./message-phrases.ts";

/** The content of a message, with fields in the order of the JSON record. */
export interface CustomerRecord {
  readonly intent: Intent;
  readonly product: string;
  /** Order number as written in the message; null without one. */
  readonly order: string | null;
  readonly urgency: Urgency;
}

/** The names of a record's fields. */
export const recordFields = ["intent", "product", "order", "urgency"] as const;

/** The system message. */
export const instruction =
  `Turn the message into JSON: intent (${intentNames.join(", ")}), product, order (or null), ` +
  `urgency (${urgencyNames.join(", ")}).`;

/** A customer's message and its expected record. */
export interface CustomerMessage {
  readonly text: string;
  readonly record: CustomerRecord;
}

/** Messages out of ten without an order number. */
const withoutOrder = 2;

/**
 * Draws distinct messages for one split, from the phrases and values of this split only.
 */
export function drawMessages(part: Split, count: number, random: Random): CustomerMessage[] {
  const messages = new Map<string, CustomerMessage>();
  for (let tries = 0; messages.size < count; tries++) {
    if (tries > 10 * count) throw internalError("there are too few messages to draw from");
    const message = drawMessage(part, random);
    messages.set(message.text, message);
  }
  return [...messages.values()];
}

function drawMessage(part: Split, random: Random): CustomerMessage {
  const { intents, urgencies, orderPhrases, openers, closers, products } = phrases();
  const intent = random.pick(intentNames);
  const urgency = random.pick(urgencyNames);
  const product = random.pick(products[part]);
  const order = random.integerBelow(10) < withoutOrder ? null : drawOrder(part, random);
  const matter = random.pick(intents[intent][part]).replace("{product}", product);
  const about = order === null ? "" : random.pick(orderPhrases[part]).replace("{order}", order);
  const middle = random.shuffled([matter, about, random.pick(urgencies[urgency][part])]);
  const opener = random.integerBelow(3) === 0 ? "" : random.pick(openers[part]);
  const closer = random.integerBelow(3) === 0 ? "" : random.pick(closers[part]);
  const text = [opener, ...middle, closer].filter((piece) => piece !== "").join(" ");
  return { text, record: { intent, product, order, urgency } };
}

/** Last digits of order numbers in each split. */
const lastDigits: Readonly<Record<Split, string>> = { train: "012345", validation: "67", test: "89" };

/** Two letters and digits, or digits alone. */
function drawOrder(part: Split, random: Random): string {
  const letters =
    random.integerBelow(2) === 0 ? "" : `${random.pick([..."ABCDEFGH"])}${random.pick([..."KLMNPRST"])}-`;
  return `${letters}${1000 + random.integerBelow(9000)}${random.pick([...lastDigits[part]])}`;
}
