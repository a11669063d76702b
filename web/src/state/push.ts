// Web Push: a wake-up for the service worker while no page is open, where the server is set up for it.
import { isNotFound, type Client } from "doran-client";

/** Whether this browser and this server can do it: null while that is not known. */
export async function pushKey(c: Client): Promise<string | null> {
  if (!("PushManager" in globalThis) || !navigator.serviceWorker) return null;
  try {
    return await c.api.webPushKey();
  } catch (error) {
    if (isNotFound(error)) return null; // not configured here
    throw error;
  }
}

export async function pushIsOn(): Promise<boolean> {
  return Boolean(await current());
}

/** False when the user does not want it after all. */
export async function turnPushOn(c: Client, key: string): Promise<boolean> {
  if ((await Notification.requestPermission()) !== "granted") return false;
  const worker = await navigator.serviceWorker.ready;
  await register(c, await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
  return true;
}

/** A device ends with its token: who comes with a new one registers again. */
export async function renewPush(c: Client): Promise<void> {
  const subscription = await current();
  if (subscription) await register(c, subscription);
}

/** Nobody is signed in here any more, so nobody is to be woken. */
export async function forgetPush(): Promise<void> {
  await (await current())?.unsubscribe();
}

async function current(): Promise<PushSubscription | null | undefined> {
  const worker = await navigator.serviceWorker?.getRegistration();
  return worker?.pushManager?.getSubscription();
}

async function register(c: Client, subscription: PushSubscription): Promise<void> {
  const { endpoint, keys } = subscription.toJSON();
  await c.api.putDevice(c.self, deviceID(), {
    kind: "webpush",
    endpoint: endpoint ?? subscription.endpoint,
    keys: { p256dh: keys?.["p256dh"] ?? "", auth: keys?.["auth"] ?? "" },
  });
}

export async function turnPushOff(c: Client): Promise<void> {
  await forgetPush();
  await c.api.deleteDevice(c.self, deviceID());
}

/** This browser's own name for itself: one for as long as its storage lasts. */
function deviceID(): string {
  let id = localStorage.getItem("doran.device");
  if (!id) localStorage.setItem("doran.device", (id = `web-${crypto.randomUUID()}`));
  return id;
}
