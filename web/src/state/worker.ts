// The service worker: the page opens without a network, and a push wakes it.

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: string): string };
}

/** Registers the worker of a page that was built; one that is being developed does without. */
export function startWorker(): void {
  if (import.meta.env.DEV || !navigator.serviceWorker) return;
  const register = () => void navigator.serviceWorker.register(trusted("/sw.js")).catch(() => {}); // forbidden in some private windows
  if (document.readyState === "complete") register();
  else addEventListener("load", register);
}

/** The Content-Security-Policy asks where each script's address comes from. This one is always the same. */
function trusted(url: string): string {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  return types ? types.createPolicy("doran", { createScriptURL: () => "/sw.js" }).createScriptURL(url) : url;
}
