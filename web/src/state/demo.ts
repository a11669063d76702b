// The address that a demo gives carries an account behind its #, where no server and no log sees it: #demo=NAME:PASSWORD.
import { Api } from "doran-client";
import { device } from "./device.js";
import { saveSession } from "./sessions.js";

/** The account of the address, for the door to fill in. */
export let guest = { username: "", password: "" };

/**
 * Takes the account out of the address. On this machine, where demos run, it is signed in. Elsewhere the address may come from anybody, and
 * nobody is to write in an account of a stranger unawares: there it only stands in the door's form. One that is not there (the demo has ended)
 * changes nothing.
 */
export async function enterAsGuest(): Promise<void> {
  const found = /^#demo=([^:]+):(.+)$/.exec(location.hash);
  if (!found) return;
  history.replaceState(null, "", location.pathname);
  try {
    guest = { username: decodeURIComponent(found[1]!), password: decodeURIComponent(found[2]!) };
    if (!/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(location.hostname)) return;
    const { user, token } = await new Api().login(guest.username, guest.password, device());
    await saveSession({ user, token });
  } catch {
    // the page opens as it would without the account
  }
}
