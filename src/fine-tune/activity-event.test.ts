import { expect, test } from "vitest";
import { reportActivity } from "../util/activity.ts";
import { type ActivityEvent, sayActivities } from "./activity-event.ts";

test("every new activity is said, and how far one is every half second", () => {
  let time = 0;
  const said: ActivityEvent[] = [];
  {
    using _saying = sayActivities(
      (event) => said.push(event),
      () => time,
    );
    reportActivity({ what: "hashing" });
    for (let done = 0; done < 4; done++, time += 250) reportActivity({ what: "reading", done, total: 4 });
    reportActivity({ what: "hashing" });
  }
  reportActivity({ what: "unheard" });
  const type = "activity";
  expect(said).toEqual([
    { type, what: "hashing" },
    { type, what: "reading", done: 0, total: 4 },
    { type, what: "reading", done: 2, total: 4 },
    { type, what: "hashing" },
  ]);
});
