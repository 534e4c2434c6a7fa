import { internalError } from "../../util/errors.ts";
import type { Random } from "../../util/random.ts";
import type { Split } from "../demo.ts";
import { type Intent, intentNames, phrases } from "./message-phrases.ts";

/** The content of a message, with fields in the order of the JSON record. */
export interface CustomerRecord {
  readonly intent: Intent;
  readonly product: string;
  /** Order number of the message; null without one. */
  readonly order: number | null;
}

/** The names of a record's fields. */
export const recordFields = ["intent", "product", "order"] as const;

/** The system message. */
export const instruction = `JSON: intent (${intentNames.join(", ")}), product, order`;

/** A customer's message and its expected record. */
export interface CustomerMessage {
  readonly text: string;
  readonly record: CustomerRecord;
}

/** Messages out of ten without an order number. */
const withoutOrder = 2;

/**
 * Draws distinct messages for one split, from the phrases and values of this split only. None is used twice before all others
 * of its list are.
 */
export function drawMessages(part: Split, count: number, random: Random): CustomerMessage[] {
  const draw = messageMaker(part, random);
  const messages = new Map<string, CustomerMessage>();
  for (let tries = 0; messages.size < count; tries++) {
    if (tries > 10 * count) throw internalError("there are too few messages to draw from");
    const message = draw();
    messages.set(message.text, message);
  }
  return [...messages.values()];
}

function messageMaker(part: Split, random: Random): () => CustomerMessage {
  const { intents, orderPhrases, openers, closers, products } = phrases();
  const nextIntent = dealer(intentNames, random);
  const nextProduct = dealer(products[part], random);
  const nextOrderPhrase = dealer(orderPhrases[part], random);
  const matters = new Map(intentNames.map((intent) => [intent, dealer(intents[intent][part], random)]));
  return () => {
    const intent = nextIntent();
    const product = nextProduct();
    const order = random.integerBelow(10) < withoutOrder ? null : drawOrder(part, random);
    const matter = matters.get(intent)?.().replace("{product}", product) ?? "";
    const about = order === null ? "" : nextOrderPhrase().replace("{order}", String(order));
    const opener = random.integerBelow(3) === 0 ? random.pick(openers[part]) : "";
    const closer = random.integerBelow(3) === 0 ? random.pick(closers[part]) : "";
    const pieces = [opener, ...random.shuffled([matter, about]), closer];
    return { text: pieces.filter((piece) => piece !== "").join(" "), record: { intent, product, order } };
  };
}

/** Deals a list in random order, and again in another one when it is used up. */
function dealer<T>(list: readonly T[], random: Random): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = random.shuffled(list);
    const next = left.pop();
    if (next === undefined) throw internalError("there is nothing to draw from");
    return next;
  };
}

/** Last digits of order numbers in each split. */
const lastDigits: Readonly<Record<Split, string>> = { train: "012345", validation: "67", test: "89" };

/** Four digits. */
const drawOrder = (part: Split, random: Random): number =>
  10 * (100 + random.integerBelow(900)) + Number(random.pick([...lastDigits[part]]));
