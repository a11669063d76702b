import type { FieldError, Problem } from "./types.js";

/** What the server refused, or could not do: RFC 9457, with a `code` for programs. */
export class ProblemError extends Error {
  override name = "ProblemError";
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly fields: FieldError[] = [],
    /** Milliseconds after which it is worth trying again, where the server said so. */
    readonly retryAfter?: number,
  ) {
    super(`${status} ${code}: ${detail}`);
  }
}

/** The server was not reached, or the answer did not arrive: what was asked may have happened. */
export class NetworkError extends Error {
  override name = "NetworkError";
}

/** Says whether the same call may succeed later without anybody changing anything. */
export function isTemporary(error: unknown): boolean {
  if (error instanceof NetworkError) return true;
  return error instanceof ProblemError && (error.status >= 500 || error.status === 429 || error.status === 408);
}

/** Says whether the session has ended. */
export function isUnauthenticated(error: unknown): boolean {
  return error instanceof ProblemError && error.code === "unauthenticated";
}

/** Says whether a thing is not there, or not there for us. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ProblemError && error.status === 404;
}

/** Reads the problem out of an answer; what is no problem document (a proxy's page) is named after its status. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  const retryAfter = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  const body = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const code = typeof body.code === "string" ? body.code : response.status >= 500 ? "unavailable" : "bad_request";
  return new ProblemError(response.status, code, body.detail ?? response.statusText, body.errors ?? [], retryAfter);
}
