import type { Split } from "../demo.ts";

/** Phrases or values of each part of the data; none is in two, so what the test says, training never says. */
export type Pool = Readonly<Record<Split, readonly string[]>>;

/** One phrase a line. */
const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

const pool = (train: string, validation: string, test: string): Pool => ({
  train: lines(train),
  validation: lines(validation),
  test: lines(test),
});

/** What a customer can want. */
export const intentNames = ["refund", "exchange", "delivery", "cancel", "invoice", "repair"] as const;
export type Intent = (typeof intentNames)[number];

/** The sentences that say so; `{product}` stands for the thing. */
export const intents: Readonly<Record<Intent, Pool>> = {
  refund: pool(
    `I want my money back for the {product}.
     Please refund the {product}, I am sending it back.
     The {product} is not what I expected, so I would like a refund.
     Can you return the amount I paid for the {product}?
     I returned the {product} two weeks ago and still have no refund.
     You charged me twice for the {product}, please pay one back.
     I am not happy with the {product} and ask for my money back.
     The {product} was cheaper elsewhere, please reimburse me.`,
    `Kindly give me back what I spent on the {product}.
     I sent the {product} back, when will I be repaid?`,
    `Take the {product} back and put the money in my account again.
     How do I get reimbursed for the {product}?
     I would rather have my cash than the {product}.
     The {product} disappointed me, I demand the full price back.`,
  ),
  exchange: pool(
    `The {product} is too small, can I swap it for a bigger one?
     I would like to exchange the {product} for another colour.
     You sent me the wrong {product}, please send the right one instead.
     Can I change the {product} for a different model?
     Please replace the {product} with a larger size.
     I got the {product} in black but ordered blue, please exchange it.
     I want to trade the {product} for the newer version.
     Is it possible to switch the {product} for the same thing in red?`,
    `Could I have the {product} in another size instead?
     The {product} has the wrong colour, I would like a different one.`,
    `I picked the wrong size of the {product}, what about a swap?
     May I send the {product} back and get the green one in its place?
     This is not the {product} I chose, please ship the correct one.
     I prefer the other version of the {product}, can we change that?`,
  ),
  delivery: pool(
    `Where is the {product} that I ordered?
     The {product} has not arrived yet.
     When will the {product} be delivered?
     The tracking of the {product} has not moved for days.
     The courier never came with the {product}.
     I am still waiting for the {product}.
     The parcel with the {product} seems to be lost.
     The {product} should have been here on Monday.`,
    `How long does the {product} still take to get here?
     No sign of the {product} so far.`,
    `My {product} never showed up.
     Has the {product} left your warehouse at all?
     Nobody has brought the {product} to my door.
     What day can I expect the {product} to reach me?`,
  ),
  cancel: pool(
    `Please cancel the {product}.
     I no longer need the {product}, cancel it.
     I ordered the {product} by mistake, can you stop the order?
     I changed my mind about the {product}, please call the order off.
     Do not ship the {product}, I want to cancel.
     Can I still cancel my purchase of the {product}?
     Please withdraw my order of the {product}.
     I bought the {product} twice, cancel one of the orders.`,
    `Stop the {product} before it is sent, I do not want it any more.
     Please drop the {product} from my order.`,
    `Forget about the {product}, I found one in a shop.
     My son ordered the {product} without asking, please undo it.
     Is there time to call off the {product}?
     Scrap my order for the {product}.`,
  ),
  invoice: pool(
    `Please send me the invoice for the {product}.
     I need a receipt for the {product}.
     The invoice for the {product} has the wrong address.
     Can I get a bill for the {product} with my company's name?
     My accountant needs the invoice of the {product}.
     The receipt for the {product} is missing.
     Please correct the tax number on the bill for the {product}.
     There was no invoice in the box with the {product}.`,
    `Could you email me the bill of the {product}?
     I cannot find the receipt of the {product}.`,
    `My bookkeeping still lacks the paperwork for the {product}.
     Put my firm's name on the {product} invoice, please.
     Where can I download the bill for the {product}?
     I have to hand in a proof of purchase for the {product}.`,
  ),
  repair: pool(
    `The {product} is broken, can you repair it?
     The {product} stopped working after a week.
     The {product} does not work any more, please fix it.
     My {product} has a fault and needs service.
     A part of the {product} came off, how do I get it repaired?
     The {product} is damaged, it is still under warranty.
     Something is loose on the {product}, can someone look at it?
     The {product} worked fine at first, but now it is faulty.`,
    `My {product} is defective and has to be fixed.
     The {product} fell apart, do you mend it?`,
    `The {product} gave up on me, is that covered by the guarantee?
     There is a crack in my {product}, who can fix that?
     The {product} keeps breaking down, I would like it serviced.
     The {product} came to pieces, please have a technician mend it.`,
  ),
};

/** How pressing it is. */
export const urgencyNames = ["low", "normal", "high"] as const;
export type Urgency = (typeof urgencyNames)[number];

/** What is normal has no words for it. */
export const urgencies: Readonly<Record<Urgency, Pool>> = {
  high: pool(
    `This is urgent.
     I need an answer today.
     Please hurry, I need it tomorrow.
     It cannot wait any longer.
     As soon as possible, please.
     I need this solved right now.
     Please treat this with top priority.
     I must have it settled by tonight.`,
    `Please be very quick about it.
     I need it done within the hour.`,
    `Every minute counts.
     Please act immediately.
     I am in a great rush.
     It has to happen before the evening.`,
  ),
  normal: { train: [""], validation: [""], test: [""] },
  low: pool(
    `There is no hurry.
     Take your time.
     It is not urgent at all.
     Whenever you have a moment.
     I can wait a few weeks.
     This has low priority.
     Any time this month is fine.
     No rush from my side.`,
    `It can wait as long as you like.
     Do it when it suits you.`,
    `I am in no rush whatsoever.
     Answer when you get round to it.
     Some time next month will do.
     Don't stress about it.`,
  ),
};

/** How the number of the order is named. */
export const orderPhrases = pool(
  `My order number is {order}.
   Order {order}.
   It is order no. {order}.
   The order has the number {order}.
   Reference: {order}.
   See order #{order}.`,
  `You find it under {order}.
   I mean my order {order}.`,
  `This concerns purchase {order}.
   The number on the confirmation is {order}.
   It was bought under order ID {order}.
   {order} is the order.`,
);

/** Before the matter. */
export const openers = pool(
  `Hello,
   Hi there,
   Good morning,
   Dear team,
   Hey,
   Hi,`,
  `Good day,
   Dear support,`,
  `Good evening,
   To whom it may concern,
   Greetings,`,
);

/** After the matter. */
export const closers = pool(
  `Thanks!
   Thank you.
   Best regards, Anna
   Kind regards, Tom
   Many thanks, Maria
   Cheers, Ben`,
  `Yours, Peter
   Thanks a lot, Eva`,
  `Sincerely, Laura
   All the best, Victor
   Thanks in advance, Nora`,
);

/** Things that a shop sells. */
export const products: Pool = pool(
  `espresso machine
   hiking backpack
   desk lamp
   wireless headset
   garden hose
   yoga mat
   bicycle pump
   water kettle
   office chair
   rain jacket
   kitchen scale
   travel bag
   phone case
   bread knife
   picture frame
   sleeping bag
   alarm clock
   hair dryer
   tennis racket
   wool blanket
   board game
   camping stove
   winter coat
   electric toothbrush
   frying pan
   reading lamp
   running watch
   baby monitor
   bath towel
   computer mouse
   fishing rod
   flower pot
   guitar stand
   ironing board
   leather wallet
   paint brush
   shower curtain
   silver necklace
   steam iron
   toy train`,
  `laptop stand
   cordless drill
   linen shirt
   cookie jar
   ski helmet
   vacuum cleaner
   wine rack
   dog leash`,
  `rice cooker
   denim jacket
   bluetooth speaker
   mountain bike
   coffee grinder
   swimming ring
   bookshelf
   printer cartridge
   umbrella
   air fryer
   chess set
   hedge trimmer
   pillow case
   graphics card
   tea pot
   violin bow`,
);
