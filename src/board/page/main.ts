import { h, render } from "preact";
import { BoardClient } from "./board-client.ts";
import { BoardPage } from "./board-page.ts";

// The runs that are looked at are in the address, so that it can be kept and sent.
const shownInAddress = () =>
  location.hash
    .slice(1)
    .split(",")
    .filter((id) => id !== "");

const root = document.getElementById("board");
if (root !== null) {
  root.replaceChildren();
  const client = new BoardClient(shownInAddress(), (state) => {
    const hash = state.shown.join(",");
    if (location.hash.slice(1) !== hash) history.replaceState(null, "", `#${hash}`);
    render(h(BoardPage, { state, client }), root);
  });
  addEventListener("hashchange", () => client.show(shownInAddress()));
  document.addEventListener("visibilitychange", () => void client.refresh());
  void client.refresh();
}
