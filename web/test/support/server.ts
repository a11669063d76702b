// A real server with everything embedded, in a folder and on ports of its own.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";

export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), "doran-web-"));
  #process: ChildProcess | undefined;
  #said = "";

  private constructor(readonly ports: { http: number; redis: number; mqtt: number; admin: number }) {}

  static async start(): Promise<Server> {
    const [http, redis, mqtt, admin] = await freePorts(4);
    const server = new Server({ http: http!, redis: redis!, mqtt: mqtt!, admin: admin! });
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  async start(): Promise<void> {
    const { http, redis, mqtt, admin } = this.ports;
    this.#process = spawn(inject("binary"), ["serve"], {
      cwd: this.folder,
      env: {
        PATH: process.env.PATH,
        DORAN_HTTP_ADDR: `127.0.0.1:${http}`,
        DORAN_ADMIN_ADDR: `127.0.0.1:${admin}`,
        DORAN_DATABASE_URL: `sqlite://${join(this.folder, "doran.db")}`,
        DORAN_REDIS_URL: `embedded://127.0.0.1:${redis}`,
        DORAN_MQTT_URL: `embedded://127.0.0.1:${mqtt}`,
        DORAN_RATE_LIMITS: "off",
      },
    });
    this.#process.stderr?.on("data", (text) => (this.#said = (this.#said + text).slice(-4000)));
    for (const end = Date.now() + 20_000; !(await this.#ready()); await sleep(20)) {
      if (Date.now() > end || this.#process.exitCode !== null) throw new Error(`the server did not start:\n${this.#said}`);
    }
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    const ended = this.#process && once(this.#process, "exit");
    this.#process?.kill("SIGTERM");
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** Says something to its Redis. */
  async redis(...words: string[]): Promise<string> {
    const socket = connect(this.ports.redis, "127.0.0.1");
    socket.write(`*${words.length}\r\n${words.map((w) => `$${Buffer.byteLength(w)}\r\n${w}\r\n`).join("")}`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    return answer.toString().trim();
  }

  async #ready(): Promise<boolean> {
    return fetch(`http://127.0.0.1:${this.ports.admin}/readyz`).then((r) => r.ok, () => false);
  }
}

export const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));

export async function freePorts(n: number): Promise<number[]> {
  const held = await Promise.all(
    Array.from({ length: n }, async () => {
      const s = createServer().listen(0, "127.0.0.1");
      await once(s, "listening");
      return s;
    }),
  );
  const ports = held.map((s) => (s.address() as AddressInfo).port);
  await Promise.all(held.map((s) => new Promise((r) => s.close(r))));
  return ports;
}
