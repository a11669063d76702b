import { render } from "preact";
import "./style.css";
import { client, openSession, status } from "./state/app.js";
import { watchBadge } from "./state/badge.js";
import { enterAsGuest } from "./state/demo.js";
import "./state/theme.js";
import { startWorker } from "./state/worker.js";
import { App } from "./views/app.js";

const wake = () => client.value?.wake();
addEventListener("online", wake);
addEventListener("offline", wake); // what is tried now fails now, and says so
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && status.value.phase !== "elsewhere" && wake());

watchBadge();
render(<App />, document.getElementById("app") as HTMLElement);
void enterAsGuest().then(openSession);
startWorker();
