import { native } from "../../native/load.ts";

const die = () => process.kill(process.pid, "SIGKILL");

/** Has this process die as soon as it has said to the others that it is there. */
export function dieOnMeeting(): void {
  const { meetRanks } = native();
  const meetAndDie = async (group: number, milliseconds: number) => {
    await meetRanks(group, milliseconds);
    die();
  };
  Object.assign(native(), { meetRanks: meetAndDie });
}

/** Has this process die when all ranks are there and watched, as it connects to them. */
export function dieOnConnecting(): void {
  Object.assign(native(), { joinProcessGroup: die });
}
